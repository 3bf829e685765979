"""One cluster and one installed chart for all end-to-end tests. `make e2e` makes both before pytest starts.

Files of tests run in parallel, each process in its own namespace. Tests that need the cluster to themselves are
marked `serial` and run in a second pass.
"""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import yaml

from e2e.gpus import FakeGpus
from e2e.kube import ROOT, Kube
from e2e.nodes import CLUSTER
from e2e.scraping import SCRAPE_SECONDS, Targets
from llmtrain_api.generate.rule_file import rule_groups
from llmtrain_cli.prometheus import Prometheus
from support.prometheus_server import running_prometheus

NAMESPACE = "e2e"


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Environment with KUBECONFIG and the tools of the local cluster."""
    done = subprocess.run(
        [sys.executable, "-m", "llmtrain_kind", "env", "--name", CLUSTER],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    shell = subprocess.run(["bash", "-c", f"{done.stdout}\nenv -0"], capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)


@pytest.fixture(scope="session")
def kube(environment: dict[str, str], worker_id: str) -> Iterator[Kube]:
    """kubectl in a namespace of this process; its tests share volumes, so text is prepared once."""
    kube = Kube(environment=environment, namespace=NAMESPACE if worker_id == "master" else f"{NAMESPACE}-{worker_id}")
    kube.run("delete", "namespace", kube.namespace, "--ignore-not-found", "--timeout=100s")
    kube.run("create", "namespace", kube.namespace)
    yield kube
    kube.run("delete", "namespace", kube.namespace, "--wait=false")


@pytest.fixture
def new_job(kube: Kube, request: pytest.FixtureRequest) -> Iterator[str]:
    """A job name that is unique to the test; the job and its pods are deleted afterwards."""
    name = request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:40].strip("-")
    yield name
    kube.delete_job(name)


@pytest.fixture(scope="module")
def began() -> float:
    """When scraping started, in seconds since 1970."""
    return time.time()


@pytest.fixture(scope="session")
def gpus(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> FakeGpus:
    """GPUs of a fake driver on the worker nodes; the kubelets count them and allocate them to pods."""
    gpus = FakeGpus(kube)
    gpus.install(tmp_path_factory.mktemp("driver"))
    return gpus


@pytest.fixture(scope="module")
def prometheus(kube: Kube, began: float, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server that scrapes all annotated targets in the cluster each second, and evaluates the chart's rules."""
    folder = tmp_path_factory.mktemp("prometheus")
    targets = Targets(kube, folder)
    try:
        rules = folder / "rules.yaml"
        rules.write_text(yaml.safe_dump({"groups": rule_groups("https://docs.example/alerts")}))
        with running_prometheus(folder, [targets.scrape_config(f"{SCRAPE_SECONDS}s")], [rules]) as server:
            yield server
    finally:
        targets.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report how many tests passed on the real cluster."""
    passed = [report for report in terminalreporter.getreports("passed") if "tests/e2e" in report.nodeid]
    if passed:
        terminalreporter.write_line(f"{len(passed)} end-to-end tests passed on the real cluster '{CLUSTER}'")
