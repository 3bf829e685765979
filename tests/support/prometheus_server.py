"""A real Prometheus for tests: on a loopback port, with its own folder, queried with PromQL."""

import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from llmtrain_cli.prometheus import Prometheus
from llmtrain_kind.prometheus import make_prometheus
from support.polling import eventually
from support.ports import free_port

READY_SECONDS = 30.0


@contextmanager
def running_prometheus(
    folder: Path,
    scrape_configs: Sequence[Mapping[str, Any]],
    rule_files: Sequence[Path] = (),
    *,
    interval: str = "1s",
) -> Iterator[Prometheus]:
    """Run a server inside the context, with scrapes and rules at `interval`.

    The first scrapes are about 5 s later: see `wait_until_scraped`. As in the chart, each scrape config honours the labels
    of its targets unless it sets `honor_labels`. Raises AssertionError with the server's log if it does not become ready.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
                "rule_files": [str(path.resolve()) for path in rule_files],
                "scrape_configs": [{"honor_labels": True, **each} for each in scrape_configs],
            }
        )
    )
    address = f"127.0.0.1:{free_port()}"
    url = f"http://{address}"
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                make_prometheus() / "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                "--scrape.discovery-reload-interval=100ms",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: server.poll() is not None or _is_ready(url), "Prometheus is ready", seconds=READY_SECONDS)
        assert server.poll() is None, f"Prometheus has exited:\n{log.read_text()}"
        yield Prometheus(url)
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1):
            return True
    except OSError:
        return False
