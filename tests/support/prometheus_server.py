"""A real Prometheus for tests: on a loopback port, with its own folder, queried with PromQL."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmtrain_kind.prometheus import make_prometheus
from support.ports import free_port

READY_SECONDS = 30.0
POLL_SECONDS = 0.1


class QueryRefused(Exception):
    """Prometheus could not parse or compute an expression; contains its message."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of an answer. An instant answer has one point; times are seconds since 1970."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The last point's value."""
        return self.points[-1][1]


@dataclass(frozen=True, kw_only=True)
class Prometheus:
    """A server that answers queries."""

    url: str

    def query(self, expression: str, time: float | None = None) -> list[Series]:
        """Return the value of an expression at one time, now by default. Raises QueryRefused."""
        result = self._ask("query", {"query": expression} | ({} if time is None else {"time": str(time)}))
        if result["resultType"] == "scalar":
            return [Series(labels={}, points=(_point(result["result"]),))]
        return [Series(labels=each["metric"], points=(_point(each["value"]),)) for each in result["result"]]

    def query_range(self, expression: str, *, start: float, end: float, step_seconds: float) -> list[Series]:
        """Return the values of an expression between two times. Raises QueryRefused."""
        options = {"query": expression, "start": str(start), "end": str(end), "step": str(step_seconds)}
        return [
            Series(labels=each["metric"], points=tuple(_point(pair) for pair in each["values"]))
            for each in self._ask("query_range", options)["result"]
        ]

    def get(self, what: str) -> Any:
        """Return the `data` of another endpoint of the API, such as `targets`, `rules` or `alerts`."""
        return self._ask(what, {})

    def wait_until_scraped(self) -> None:
        """Wait until every target was scraped once; the first scrapes are about 5 s after the start."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            targets = self.get("targets?state=active")["activeTargets"]
            if targets and all(target["health"] != "unknown" for target in targets):
                return
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"not scraped within {READY_SECONDS} s: {targets}")

    def _ask(self, endpoint: str, options: Mapping[str, str]) -> Any:
        body = urllib.parse.urlencode(options).encode() or None
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{endpoint}", data=body, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            raise QueryRefused(f"{options.get('query', endpoint)}: {refused.read().decode()}") from refused


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
        _wait_until_ready(server, f"http://{address}", log)
        yield Prometheus(url=f"http://{address}")
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(POLL_SECONDS)
    raise AssertionError(f"Prometheus is not ready:\n{log.read_text()}")


def _point(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
