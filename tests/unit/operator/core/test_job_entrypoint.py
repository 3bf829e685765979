"""Jobs that run a program of the user's own: no stage before it and none after it."""

from typing import Any

from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.snapshot import Job
from unit.operator.builders import conditions, failed_pod, job, pod, snapshot, started

OWN: dict[str, Any] = {
    "entrypoint": {"script": "train.py", "mode": "Torchrun"},
    "data": {"source": {"volume": "datasets"}},
}
FAILED = TerminationMessage(
    reason="Crashed",
    message="train.py ended with exit code 3: ValueError: no",
    exit_code=3,
    last_lines=["ValueError: no"],
)


def own(status: dict[str, Any] | None = None, **spec: Any) -> Job:
    return job(status, **{**OWN, **spec})


def done(name: str) -> Any:
    return pod(
        name, "worker", "Succeeded", end_message=TerminationMessage(reason="Completed", last_lines=["bye"]).to_message()
    )


def test_its_workers_are_made_at_once_without_a_dataset() -> None:
    plan = plan_job(snapshot(own()))
    made = {manifest["metadata"]["name"]: manifest for manifest in plan.apply}
    assert {"datasets", "checkpoints", "j-run", "j-coordinator", "j-worker-0", "j-worker-1"} <= made.keys()
    assert "j-prepare" not in made
    assert made["j-worker-0"]["spec"]["containers"][0]["args"] == ["llmtrain_trainer", "worker"]
    assert '"entrypoint":{"script":"train.py"' in made["j-run"]["data"]["run.json"]


def test_it_succeeds_when_its_program_has_ended_in_every_worker() -> None:
    plan = plan_job(snapshot(own(started()), pods=(done("j-worker-0"), done("j-worker-1"))))
    assert plan.status.stage == "Succeeded"
    assert plan.status.model is None
    assert conditions(plan.status)["Succeeded"].message == (
        "train.py completed; its output is in j-uid-of-j/output on volume checkpoints"
    )
    assert plan.status.logs[0].lines == ["bye"]


def test_a_worker_that_failed_after_the_others_had_finished_is_made_anew() -> None:
    failed = failed_pod("j-worker-1", outcome=FAILED)
    plan = plan_job(snapshot(own(started()), pods=(done("j-worker-0"), failed)))
    assert plan.status.stage != "Succeeded"


def test_the_programs_exit_code_and_last_lines_are_the_first_failure() -> None:
    plan = plan_job(snapshot(own(started()), pods=(failed_pod("j-worker-0", outcome=FAILED), pod("j-worker-1"))))
    failure = plan.status.first_failure
    assert (failure.exit_code, failure.reason, failure.last_lines) == (3, "Crashed", ["ValueError: no"])
    assert failure.message == FAILED.message


def test_an_exit_code_that_means_something_to_us_means_nothing_in_a_program() -> None:
    outcome = FAILED.model_copy(update={"exit_code": int(ExitCode.BAD_INPUT)})
    plan = plan_job(snapshot(own(started()), pods=(failed_pod("j-worker-0", outcome=outcome), pod("j-worker-1"))))
    assert plan.status.stage != "Failed"


def test_a_program_that_tells_no_progress_is_looked_at_seldom() -> None:
    plan = plan_job(snapshot(own(started()), pods=(pod("j-worker-0"), pod("j-worker-1"))))
    assert plan.requeue_after.total_seconds() <= 0.5
    trains = own(started(stage="Training"))
    assert plan_job(snapshot(trains, pods=(pod("j-worker-0"), pod("j-worker-1")))).requeue_after.total_seconds() == 5
