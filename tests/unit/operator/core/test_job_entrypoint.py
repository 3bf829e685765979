"""Jobs that run a user's program: there is no stage before or after the training."""

from typing import Any

from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.snapshot import Job
from unit.operator.builders import conditions, failed_pod, job, pod, snapshot, started, succeeded_pod

PROGRAM: dict[str, Any] = {
    "entrypoint": {"script": "train.py", "mode": "Torchrun"},
    "data": {"source": {"volume": "datasets"}},
}
FAILED = TerminationMessage(
    reason="Crashed",
    message="train.py ended with exit code 3: ValueError: no",
    exit_code=3,
    last_lines=["ValueError: no"],
)
RUNNING = (pod("j-worker-0"), pod("j-worker-1"))


def program_job(status: dict[str, Any] | None = None) -> Job:
    return job(status, **PROGRAM)


def test_its_workers_are_created_at_once_without_a_dataset() -> None:
    plan = plan_job(snapshot(program_job()))
    created = {manifest["metadata"]["name"]: manifest for manifest in plan.apply}
    assert {"datasets", "checkpoints", "j-run-uid-of-j", "j-coordinator", "j-worker-0", "j-worker-1"} <= created.keys()
    assert "j-prepare" not in created
    assert created["j-worker-0"]["spec"]["containers"][0]["args"] == ["llmtrain_trainer", "worker"]
    assert '"entrypoint":{"script":"train.py"' in created["j-run-uid-of-j"]["data"]["run.json"]


def test_it_succeeds_when_its_program_has_completed_in_every_worker() -> None:
    pods = (succeeded_pod("j-worker-0", last_lines=["bye"]), succeeded_pod("j-worker-1"))
    plan = plan_job(snapshot(program_job(started()), pods=pods))
    assert plan.status.stage == "Succeeded"
    assert plan.status.model is None
    assert conditions(plan.status)["Succeeded"].message == (
        "train.py completed; its output is in j-uid-of-j/output on volume checkpoints"
    )
    assert plan.status.logs[0].lines == ["bye"]


def test_a_worker_that_fails_after_the_others_have_completed_is_replaced() -> None:
    pods = (succeeded_pod("j-worker-0"), failed_pod("j-worker-1", outcome=FAILED))
    assert plan_job(snapshot(program_job(started()), pods=pods)).status.stage != "Succeeded"


def test_the_programs_exit_code_and_last_lines_are_the_first_failure() -> None:
    pods = (failed_pod("j-worker-0", outcome=FAILED), pod("j-worker-1"))
    failure = plan_job(snapshot(program_job(started()), pods=pods)).status.first_failure
    assert (failure.exit_code, failure.reason, failure.last_lines) == (3, "Crashed", ["ValueError: no"])
    assert failure.message == FAILED.message


def test_an_exit_code_that_is_permanent_for_the_trainer_is_not_for_a_program() -> None:
    outcome = FAILED.model_copy(update={"exit_code": int(ExitCode.BAD_INPUT)})
    pods = (failed_pod("j-worker-0", outcome=outcome), pod("j-worker-1"))
    assert plan_job(snapshot(program_job(started()), pods=pods)).status.stage != "Failed"


def test_a_program_that_reports_no_progress_is_polled_rarely() -> None:
    assert plan_job(snapshot(program_job(started()), pods=RUNNING)).poll_after.total_seconds() <= 0.5
    training = program_job(started(stage="Training"))
    assert plan_job(snapshot(training, pods=RUNNING)).poll_after.total_seconds() == 5
