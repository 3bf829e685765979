"""User programs on the cluster: modules of the image, and a script on a volume."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from e2e.jobs import ENDLESS, WORKERS, own
from e2e.kube import Kube, condition
from e2e.nodes import kill
from e2e.volumes import claim_with, write_files


def letters(name: str, replicas: int) -> dict[str, Any]:
    """Return the job of examples/own-model.yaml, smaller."""
    return own(
        name,
        {"module": "llmtrain.examples.own_model", "arguments": ["--width", "32"]},
        workers={**WORKERS, "replicas": replicas},
        training={"steps": 150, "microbatches": 4, "microbatchSize": 4},
        checkpoint={"volume": "checkpoints", "everySteps": 25},
    )


def sha256(status: dict[str, Any]) -> str:
    """Return the hash of the weights that the program printed at its end."""
    lines = [line for log in status["logs"] for line in log["lines"] if "sha256 of the weights" in line]
    assert lines, status["logs"]
    return lines[0].rpartition(" ")[2]


def test_a_model_of_ones_own_is_the_same_after_a_worker_is_killed(kube: Kube, new_job: str) -> None:
    kube.apply(letters(f"{new_job}-alone", 1))
    try:
        undisturbed = sha256(kube.wait_for_stage(f"{new_job}-alone", "Succeeded", 300))
    finally:
        kube.delete_job(f"{new_job}-alone")
    kube.apply(letters(new_job, 2))
    kube.wait_for_step(new_job, 20)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    status = kube.wait_for_stage(new_job, "Succeeded", 300)
    assert status["recoveries"]["count"] == 1
    assert status["progress"]["step"] == 150
    assert status["progress"]["loss"]
    assert sha256(status) == undisturbed
    assert "model" not in status
    assert "llmtrain.examples.own_model completed" in condition(status, "Succeeded")["message"]


def test_a_torchrun_program_continues_with_more_workers(kube: Kube, new_job: str) -> None:
    entrypoint = {"module": "llmtrain.examples.torchrun", "mode": "Torchrun"}
    kube.apply(own(new_job, entrypoint, training={"steps": ENDLESS}, checkpoint={"volume": "checkpoints"}))
    kube.wait("two ranks train", lambda: "step 40/" in log(kube, new_job))
    kube.run("scale", f"ltj/{new_job}", "--replicas=3")
    kube.wait("three train", lambda: " of 3 begins at step " in log(kube, new_job))
    begun = [line.split() for line in log(kube, new_job).splitlines() if " of 3 begins at step " in line]
    assert int(begun[-1][-1]) >= 40, "it started from the beginning instead of continuing"
    assert condition(kube.status(new_job), "Running")["status"] == "True"


def log(kube: Kube, name: str) -> str:
    """Return the output of the first worker."""
    return kube.run("logs", f"{name}-worker-0", check=False).stdout


DIVERGING = """
import torch
import llmtrain

torch.set_num_threads(1)
model = torch.nn.Linear(4, 1)
x_ND = torch.arange(400.0).view(100, 4).sin()
calls = 0

def loss(samples):
    global calls
    calls += 1
    bad = float("nan") if calls > 80 else 1.0  # from step 11 on: 8 microbatches each
    return model(x_ND[samples]).square().sum() * bad, len(samples)

llmtrain.train(model, num_samples=len(x_ND), loss=loss)
"""
BROKEN = "import llmtrain\nraise KeyError('text')\n"


@pytest.fixture
def programs(kube: Kube) -> Iterator[Callable[[str], None]]:
    """Writes a script to the claim `programs`."""
    with claim_with(kube, "programs"):
        yield lambda script: write_files(kube, "programs", {"jobs/train.py": script})


def scripted(name: str, mode: str, **spec: Any) -> dict[str, Any]:
    """Return a job that runs the script."""
    return own(
        name,
        {"script": "jobs/train.py", "mode": mode},
        data={"source": {"volume": "programs"}},
        checkpoint={"volume": "checkpoints"},
        **spec,
    )


def test_a_scripts_exit_code_and_last_lines_are_in_the_status(
    kube: Kube, new_job: str, programs: Callable[[str], None]
) -> None:
    programs("import sys\nprint('last words')\nsys.exit(3)\n")
    kube.apply(scripted(new_job, "Torchrun", training={"steps": 1}, recovery={"maxFailures": 0}))
    failure = kube.wait_for_stage(new_job, "Failed")["firstFailure"]
    assert failure["exitCode"] == 3
    assert failure["message"].startswith("train.py ended with exit code 3")
    assert "last words" in failure["lastLines"]


def test_losses_that_are_not_finite_fail_the_job_with_the_step_and_the_microbatch(
    kube: Kube, new_job: str, programs: Callable[[str], None]
) -> None:
    programs(DIVERGING)
    kube.apply(scripted(new_job, "Elastic", workers={**WORKERS, "replicas": 1}, training={"steps": ENDLESS}))
    status = kube.wait_for_stage(new_job, "Failed")
    failed = condition(status, "Failed")
    assert (failed["reason"], status["badSteps"]["count"]) == ("Diverged", 10), status
    assert "the loss of step 20 is nan from microbatch 0 on" in failed["message"]
    assert (status["badSteps"]["step"], status["badSteps"]["microbatch"]) == (20, 0)
    reported = ("BadStep", "was not applied: the loss of step")
    kube.wait(
        "an event reports it",
        lambda: [e for e in kube.events(new_job) if e["reason"] == reported[0] and reported[1] in e["message"]],
    )


def test_a_program_that_cannot_begin_is_started_twice(
    kube: Kube, new_job: str, programs: Callable[[str], None]
) -> None:
    programs(BROKEN)
    kube.apply(scripted(new_job, "Elastic", workers={**WORKERS, "replicas": 1}, training={"steps": 5}))
    status = kube.wait_for_stage(new_job, "Failed")
    failed = condition(status, "Failed")
    assert (failed["reason"], status["recoveries"]["count"]) == ("ProgramError", 2), status
    assert "train.py ended with exit code 1: KeyError: 'text'" in failed["message"]
