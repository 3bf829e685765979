"""How a job ends, and what its status keeps."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import ModelInfo, TerminationMessage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.completion import (
    failure_budget_message,
    final_status_fields,
    finished_status,
    is_finished,
    success_message,
    terminal_stage,
)
from llmtrain_operator.core.policies.failure_policy import failure_of
from unit.operator.builders import (
    DATASET,
    NOW,
    ago,
    conditions,
    failed_pod,
    job,
    pod,
    snapshot,
    started,
    succeeded_pod,
)

CRASH = TerminationMessage(reason="Crashed", message="rank 0 ended with SIGSEGV")
MODEL = {"volume": "checkpoints", "path": "j/model", "parameters": 9, "loss": "3", "perplexity": "20.1"}
PUBLISHED = JobStatus.model_validate(started(dataset=DATASET, model={**MODEL, "unigramPerplexity": "665.1"}))


def condition(type: str, status: str) -> dict[str, Any]:
    return {"type": type, "status": status, "reason": "x", "message": "", "lastTransitionTime": ago(9)}


def test_a_job_is_finished_when_it_has_succeeded_or_failed() -> None:
    assert not is_finished(JobStatus())
    assert not is_finished(JobStatus.model_validate({"conditions": [condition("Succeeded", "False")]}))
    assert is_finished(JobStatus.model_validate({"conditions": [condition("Succeeded", "True")]}))
    assert is_finished(JobStatus.model_validate({"conditions": [condition("Failed", "True")]}))


def test_a_job_fails_when_its_failure_budget_is_exceeded() -> None:
    status = started(dataset=DATASET, recoveries={"count": 2, "times": [ago(300), ago(100)]})
    the_job = job(status, recovery={"maxFailures": 2})
    plan = plan_job(snapshot(the_job, pods=(failed_pod("j-worker-0", 1, CRASH),)))
    failed = conditions(plan.status)["Failed"]
    assert (failed.status, failed.reason) == ("True", "TooManyFailures")
    assert "spec.recovery.maxFailures is 2; correct the cause, or raise maxFailures" in failed.message
    assert CRASH.message in failed.message
    assert "WorkerFailed" in [event.reason for event in plan.events], "the last failure is an event too"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"activeDeadlineSeconds": 250}, id="deadline"),
        pytest.param({"recovery": {"maxFailures": 0}}, id="failure budget"),
        pytest.param({"recovery": {"rules": [{"exitCodes": [1], "action": "Fail"}]}}, id="failure rule"),
    ],
)
@pytest.mark.parametrize("program", [False, True])
def test_a_job_that_has_its_result_has_succeeded_whatever_else_happened(spec: dict[str, Any], program: bool) -> None:
    status: dict[str, Any] = {}
    model = {"loss": 1.0, "perplexity": 2.7, "unigram_perplexity": 9.0, "parameters": 5, "path": "p"}
    if program:
        spec = {**spec, "entrypoint": {"script": "t.py"}, "data": {"source": {"volume": "datasets"}}}
        pods = (succeeded_pod("j-worker-0"), succeeded_pod("j-worker-1"))
    else:
        status = {"dataset": DATASET, "trainingCompleted": True}
        pods = (succeeded_pod("j-publish", "publish", model=ModelInfo(**model)),)
    pods = (*pods, failed_pod("j-coordinator", 1, CRASH))
    found = conditions(plan_job(snapshot(job(started(**status), **spec), pods=pods)).status)
    assert found["Succeeded"].status == "True"
    assert "Failed" not in found


def test_a_lower_budget_does_not_judge_past_failures() -> None:
    week = 7 * 86400
    times = [ago(week), *(ago(minutes * 60) for minutes in range(50, 0, -10))]
    status = started(dataset=DATASET, recoveries={"count": 6, "times": times})
    the_job = job(status, recovery={"maxFailures": 3})
    assert "Failed" not in conditions(plan_job(snapshot(the_job, pods=(pod("j-worker-0"),))).status)
    plan = plan_job(snapshot(the_job, pods=(failed_pod("j-worker-0", 1, CRASH),)))
    assert conditions(plan.status)["Failed"].message.startswith("6 incidents within 3600 s")


def test_incidents_before_the_window_do_not_count_although_the_status_holds_them() -> None:
    times = [ago(7 * 86400 + minutes * 60) for minutes in range(9)]
    the_job = job(started(dataset=DATASET, recoveries={"times": times}), recovery={"maxFailures": 3})
    plan = plan_job(snapshot(the_job, pods=(failed_pod("j-worker-0", 1, CRASH),)))
    assert "Failed" not in conditions(plan.status)
    assert plan.status.recoveries.times == [ago(0)]


def test_the_message_of_an_exceeded_budget_works_without_a_first_failure() -> None:
    budget = FailureBudget(max_failures=0, window_seconds=60)
    message = failure_budget_message(budget, 1, None)
    assert message.startswith("1 incident within 60 s")
    assert "first failure" not in message


def test_a_published_model_ends_the_job() -> None:
    stage = terminal_stage(job(), PUBLISHED, (), pods=(), now=NOW)
    assert stage.stage == "Succeeded"
    assert [(condition.type, condition.status) for condition in stage.conditions] == [
        ("Running", False),
        ("Degraded", False),
        ("Scheduled", True),
        ("Succeeded", True),
    ]
    assert stage.conditions[0].message == "completed after 10m0s"
    assert terminal_stage(job(), JobStatus(), (), pods=(), now=NOW) is None


def test_success_names_the_model_and_its_place() -> None:
    assert success_message(job(), PUBLISHED) == (
        "held-out perplexity 20.1 (unigram model: 665.1); the model is in j/model on volume checkpoints"
    )


def test_success_names_the_scores_of_a_classifier() -> None:
    model = {**MODEL, "perplexity": "", "metrics": {"accuracy": "0.8333", "majorityAccuracy": "0.5000"}}
    status = JobStatus.model_validate({"model": model})
    assert success_message(job(), status).startswith(
        "held-out accuracy 0.8333, majorityAccuracy 0.5000; the model is in"
    )


def test_the_status_keeps_the_last_log_lines_of_every_pod_that_wrote_some() -> None:
    last_lines = [str(number) for number in range(12)]
    crashed = replace(failed_pod("j-worker-1", 139), end_message="Traceback\nboom")
    pods = (succeeded_pod("j-worker-0", last_lines=last_lines), crashed, pod("j-worker-2"))
    fields = final_status_fields(JobStatus(), pods, NOW)
    assert fields["finish_time"] == ago(0)
    assert [(tail.pod, tail.lines) for tail in fields["logs"]] == [
        ("j-worker-0", last_lines[-10:]),
        ("j-worker-1", ["Traceback", "boom"]),
    ]


def test_of_many_pods_the_status_keeps_the_logs_of_those_that_failed() -> None:
    stopped = [succeeded_pod(f"j-worker-{number}", last_lines=["x"]) for number in range(40)]
    crashed = [replace(failed_pod(f"j-worker-{number}", 1), end_message="boom") for number in range(40, 44)]
    status = JobStatus(first_failure=failure_of(crashed[2], frozenset(), NOW))
    logs = final_status_fields(status, (*stopped, *crashed), NOW)["logs"]
    assert [tail.pod for tail in logs[:4]] == ["j-worker-42", "j-worker-40", "j-worker-41", "j-worker-43"]
    assert len(logs) == 16
    logs = final_status_fields(status, (*crashed, *crashed, *crashed, *crashed, *crashed), NOW)["logs"]
    assert len(logs) == 16


def test_nothing_is_ready_active_or_degraded_at_the_end() -> None:
    status = started(
        dataset=DATASET,
        workers={"desired": 2, "ready": 1, "active": 1},
        conditions=[condition("Degraded", "True"), condition("Running", "True")],
    )
    pods = (pod("j-worker-0"), failed_pod("j-worker-1", 1, CRASH))
    plan = plan_job(snapshot(job(status, recovery={"maxFailures": 0}), pods=pods))
    assert (plan.status.workers.desired, plan.status.workers.ready, plan.status.workers.active) == (2, 0, 0)
    assert {name: found.status for name, found in conditions(plan.status).items()} == {
        "Degraded": "False",
        "Running": "False",
        "Failed": "True",
    }


def test_a_finished_job_has_observed_a_later_change_of_its_spec() -> None:
    status = started(conditions=[condition("Failed", "True")], observedGeneration=1)
    finished = replace(job(status), metadata_generation=2)
    plan = plan_job(snapshot(finished))
    assert plan.status == finished.status.model_copy(update={"observed_generation": 2})
    assert plan_job(snapshot(replace(finished, status=plan.status))).status is None


def test_the_logs_of_pods_that_the_end_stopped_are_added() -> None:
    status = JobStatus.model_validate(started(logs=[{"pod": "j-worker-0", "lines": ["first"]}]))
    stopped = replace(failed_pod("j-worker-1", 143, deleting=True), end_message="checkpoint written\nstopped")
    pods = (replace(stopped, name="j-worker-0"), stopped, pod("j-worker-2", deleting=True))
    after = finished_status(status, pods, 1)
    assert [(tail.pod, tail.lines) for tail in after.logs] == [
        ("j-worker-0", ["first"]),
        ("j-worker-1", ["checkpoint written", "stopped"]),
    ]
    assert finished_status(after, pods, 1) == after, "each pod is recorded once"


def test_the_message_of_success_says_that_the_training_stopped_early() -> None:
    ending = "stopped early at step 12 of 20, best at step 6"
    model = ModelInfo(loss=1.0, perplexity=2.7, unigram_perplexity=9.0, parameters=5, step=6, ending=ending, path="p")
    status = started(dataset=DATASET, trainingCompleted=True)
    plan = plan_job(snapshot(job(status), pods=(succeeded_pod("j-publish", "publish", model=model),)))
    assert plan.status.model is not None
    assert (plan.status.model.step, plan.status.model.ending) == (6, ending)
    assert conditions(plan.status)["Succeeded"].message.startswith(f"{ending}; held-out perplexity 2.7")
