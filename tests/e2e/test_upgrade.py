"""A cluster goes from another version of this repository to this one and back, with a job that trains and one that ended.

`make upgrade-test FROM=REVISION` runs it: it needs the history of the repository, and the cluster to itself.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import ROOT, Kube, Manifest, condition
from e2e.nodes import CLUSTER

FROM = os.environ.get("LLMTRAIN_UPGRADE_FROM", "")
pytestmark = [pytest.mark.serial, pytest.mark.upgrade, pytest.mark.timeout(1500)]


def install(version: Path) -> None:
    """Install the chart of a checkout, with the images of its own sources."""
    sources = os.pathsep.join(
        str(version / part / "src") for part in ("crds", "operator", "trainer", "images", "charts")
    )
    subprocess.run(
        [sys.executable, "-m", "llmtrain_kind", "install", "--name", CLUSTER],
        cwd=version,
        env={**os.environ, "PYTHONPATH": sources},
        check=True,
    )


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Path]:
    """A checkout of the version before. Afterwards this version is installed again."""
    checkout = tmp_path / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", str(checkout), FROM], check=True)
    try:
        yield checkout
    finally:
        install(ROOT)
        subprocess.run([*git, "remove", "--force", str(checkout)], check=True)


@pytest.fixture
def jobs(kube: Kube) -> Iterator[tuple[str, str]]:
    """The names of a job that trains and of one that ends before the upgrade; both are deleted afterwards."""
    names = ("upgrade-training", "upgrade-finished")
    yield names
    for name in names:
        kube.delete_job(name)


def processes(kube: Kube, name: str) -> dict[str, tuple[str, int]]:
    """Return uid and restarts of each pod of a job."""
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            sum(container["restartCount"] for container in pod["status"]["containerStatuses"]),
        )
        for pod in kube.pods(name)
    }


def outcome(status: Manifest) -> Manifest:
    """Return what a finished job reports, by name."""
    succeeded = condition(status, "Succeeded")
    reported = {"stage": status["stage"], "step": status["progress"]["step"], "succeeded": succeeded["status"]}
    return {
        **reported,
        "reason": succeeded["reason"],
        **{f"model.{key}": value for key, value in status["model"].items()},
    }


def assert_nothing_restarted(kube: Kube, training: str, started: dict[str, tuple[str, int]]) -> None:
    """Assert that a job trains on with the same processes, and that the operator sees it."""
    step = kube.status(training)["progress"]["step"]
    kube.wait("the status shows new steps", lambda: kube.status(training)["progress"]["step"] > step + 50)
    assert processes(kube, training) == started
    assert kube.status(training)["recoveries"]["count"] == 0


def test_an_upgrade_and_the_way_back_disturb_no_job(kube: Kube, before: Path, jobs: tuple[str, str]) -> None:
    training, finished = jobs
    install(before)
    kube.apply(job(finished, replicas=1))
    ended = outcome(kube.wait_for_stage(finished, "Succeeded"))
    kube.apply(job(training, steps=ENDLESS))
    kube.wait_for_step(training, 10)
    started = processes(kube, training)
    for version in (ROOT, before):
        install(version)
        assert_nothing_restarted(kube, training, started)
        reported = outcome(kube.status(finished))
        assert {key: reported.get(key) for key in ended} == ended, "a newer version adds fields with defaults only"


@pytest.mark.parametrize("victim", ["worker-1", "coordinator"])
def test_a_job_of_the_version_before_recovers_after_the_upgrade(
    kube: Kube, before: Path, jobs: tuple[str, str], victim: str
) -> None:
    training, _ = jobs
    install(before)
    kube.apply(job(training, steps=ENDLESS))
    kube.wait_for_step(training, 10)
    install(ROOT)
    pod = f"{training}-{victim}"
    uid = kube.get("pod", pod)["metadata"]["uid"]  # type: ignore[index]
    kube.run("delete", "pod", pod, "--grace-period=0", "--force")
    kube.wait("the pod is replaced", lambda: (p := kube.get("pod", pod)) and p["metadata"]["uid"] != uid)
    step = kube.status(training)["progress"]["step"]
    kube.wait_for_step(training, step + 50, seconds=300)
    assert kube.status(training)["stage"] == "Training"
