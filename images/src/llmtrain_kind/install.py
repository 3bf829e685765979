"""Installs this checkout's chart on the local cluster, with the images built from it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_kind.cluster import Cluster
from llmtrain_kind.commands import run
from llmtrain_kind.errors import CommandFailed, KindError
from llmtrain_kind.paths import REPOSITORY
from llmtrain_kind.progress import step

CHART = REPOSITORY / "charts" / "llmtrain"
RELEASE = "llmtrain"
SYSTEM_NAMESPACE = "llmtrain-system"
OPERATOR = f"{RELEASE}-operator"
_VALUE_NAMES = {"operator": "operator", "trainer-cpu": "trainerCpu"}
# The demo and the tests read metrics of coordinators through the API server, whose address no label selects.
_EVERYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
_ROLLOUT_TIMEOUT_SECONDS = 180


def image_settings(images: Mapping[str, str]) -> list[str]:
    """Return Helm options that set the chart's images to references such as `localhost/llmtrain-operator:3f2a`."""
    options = []
    for image, reference in images.items():
        repository, _, tag = reference.rpartition(":")
        value = f"image.{_VALUE_NAMES[image]}"
        options += ["--set-string", f"{value}.repository={repository}", "--set-string", f"{value}.tag={tag}"]
    return options


def install_chart(cluster: Cluster, images: Mapping[str, str], *, settings: Sequence[str] = ()) -> None:
    """Install or upgrade the release, and wait until the operator is available.

    Changes that others made to the chart's objects are overwritten, because the cluster is for development only.
    `settings` are further options of Helm. KindError with the operator's log if it doesn't become available.
    """
    command: list[str | Path] = [cluster.tools / "helm", "upgrade", "--install", RELEASE, CHART]
    command += ["--kubeconfig", cluster.paths.kubeconfig, "--namespace", SYSTEM_NAMESPACE, "--create-namespace"]
    command += ["--force-conflicts", "--take-ownership", *image_settings(images)]
    command += ["--set-json", f"jobNetworkPolicy.coordinatorFrom={json.dumps(_EVERYWHERE)}", *settings]
    with step("installing the chart and waiting for the operator (up to 3 minutes)"):
        run(command, timeout_seconds=300)
        _await_operator(cluster)


def _await_operator(cluster: Cluster) -> None:
    deployment = f"deployment/{OPERATOR}"
    wait = f"--timeout={_ROLLOUT_TIMEOUT_SECONDS}s"
    in_namespace = ("--namespace", SYSTEM_NAMESPACE)
    try:
        cluster.kubectl.run(*in_namespace, "rollout", "status", deployment, wait, timeout_seconds=200)
    except CommandFailed as failure:
        pods = cluster.kubectl.run(*in_namespace, "get", "pods")
        raise KindError(
            f"The operator is not available after {_ROLLOUT_TIMEOUT_SECONDS} s. Its pods and its log:\n{pods}{_operator_log(cluster)}"
        ) from failure


def _operator_log(cluster: Cluster) -> str:
    try:
        return cluster.kubectl.run("--namespace", SYSTEM_NAMESPACE, "logs", f"deployment/{OPERATOR}", "--tail=20")
    except CommandFailed as failure:
        return str(failure)
