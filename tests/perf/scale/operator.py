"""The operator as a process of this machine: with the chart's settings, and the rights of its ServiceAccount."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from llmtrain_kind.cluster import Cluster
from llmtrain_kind.install import OPERATOR, SYSTEM_NAMESPACE
from perf.scale.cluster import chart
from support.polling import eventually
from support.ports import free_port
from support.process_usage import cpu_seconds, peak_mib

LEADER = "llmtrain_operator_leader 1.0"


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What an operator has done since its start."""

    calls: float
    """Calls of the API."""
    reconciles: float


@dataclass(frozen=True, kw_only=True)
class OperatorProcess:
    """A running operator."""

    process: subprocess.Popen[bytes]
    metrics_port: int
    log: Path

    @property
    def pid(self) -> int:
        """Return its process id; AssertionError with its log if it has ended."""
        assert self.process.poll() is None, f"the operator has ended:\n{self.log.read_text()[-2000:]}"
        return self.process.pid

    def metrics(self) -> str:
        """Return its metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=60) as answer:
            return str(answer.read(), "utf-8")

    def leads(self) -> bool:
        """Return whether it leads; False while it does not serve metrics yet."""
        try:
            return LEADER in self.metrics()
        except OSError:
            return False

    def counts(self) -> Counts:
        """Return what it has done so far, from one scrape: each costs it CPU time."""
        metrics = self.metrics()
        return Counts(
            calls=total("llmtrain_operator_api_calls_total", metrics),
            reconciles=total("llmtrain_operator_reconciles_total", metrics),
        )

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used."""
        return cpu_seconds(self.pid)

    def peak_mib(self) -> float:
        """Return the most memory that it had since its start or `reset_peak`."""
        return peak_mib(self.pid)

    def reset_peak(self) -> None:
        """Let the peak of memory begin at what it has now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def total(name: str, metrics: str) -> float:
    """Return the sum of a counter over all labels."""
    return sum(map(float, re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", metrics, re.MULTILINE)))


@contextmanager
def running_operator(cluster: Cluster, folder: Path) -> Iterator[OperatorProcess]:
    """Run the operator, and yield it when it leads."""
    metrics_port, health_port = free_port(), free_port()
    environment = {
        **os.environ,
        **settings(cluster),
        "KUBECONFIG": str(kubeconfig(cluster, folder)),
        "LLMTRAIN_KEY_DIRECTORY": str(keys(folder)),
        "LLMTRAIN_METRICS_PORT": str(metrics_port),
        "LLMTRAIN_HEALTH_PORT": str(health_port),
    }
    path = folder / "operator.log"
    with path.open("a") as log:
        process = subprocess.Popen([sys.executable, "-m", "llmtrain_operator"], env=environment, stdout=log, stderr=log)
    try:
        operator = OperatorProcess(process=process, metrics_port=metrics_port, log=path)
        eventually(
            lambda: operator.pid and operator.leads(),
            "the operator leads",
            seconds=300,
            interval=0.5,
            details=path.read_text,
        )
        yield operator
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def settings(cluster: Cluster) -> dict[str, str]:
    """Return the environment of the chart's Deployment."""
    deployment = next(each for each in chart(cluster) if each["kind"] == "Deployment")
    variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    values = {variable["name"]: str(variable["value"]) for variable in variables if "value" in variable}
    return {**values, "LLMTRAIN_NAMESPACE": SYSTEM_NAMESPACE, "LLMTRAIN_POD_NAME": "bench"}


def keys(folder: Path) -> Path:
    """Return a directory with a new key for the tokens of jobs, which nothing checks here."""
    directory = folder / "keys"
    directory.mkdir(exist_ok=True)
    (directory / "key").write_text(secrets.token_hex(32))
    return directory


def kubeconfig(cluster: Cluster, folder: Path) -> Path:
    """Return the path of a kubeconfig with the operator's own rights, so that priority and fairness apply to it."""
    token = cluster.kubectl.run("-n", SYSTEM_NAMESPACE, "create", "token", OPERATOR, "--duration=24h").strip()
    document = yaml.safe_load(cluster.paths.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return path
