"""How a job ends, and what its status keeps."""

from typing import Any

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.completion import (
    failure_budget_message,
    final_status_fields,
    is_finished,
    success_message,
    terminal_stage,
)
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
    status = started(dataset=DATASET, recoveries={"count": 2, "times": [ago(10), ago(5)]})
    the_job = job(status, recovery={"maxFailures": 2})
    plan = plan_job(snapshot(the_job, pods=(failed_pod("j-worker-0", 1, CRASH),)))
    failed = conditions(plan.status)["Failed"]
    assert (failed.status, failed.reason) == ("True", "TooManyFailures")
    assert "spec.recovery.maxFailures is 2; correct the cause, or raise maxFailures" in failed.message
    assert CRASH.message in failed.message


def test_the_message_of_an_exceeded_budget_works_without_a_first_failure() -> None:
    budget = FailureBudget(max_failures=0, window_seconds=60)
    message = failure_budget_message(budget, 1, None)
    assert message.startswith(budget.explain(1))
    assert "first failure" not in message


def test_a_published_model_ends_the_job() -> None:
    stage = terminal_stage(job(), PUBLISHED, (), pods=(), now=NOW)
    assert stage.stage == "Succeeded"
    assert [(condition.type, condition.status) for condition in stage.conditions] == [
        ("Running", False),
        ("Succeeded", True),
    ]
    assert stage.conditions[0].message == "completed after 10m0s"
    assert terminal_stage(job(), JobStatus(), (), pods=(), now=NOW) is None


def test_success_names_the_model_and_its_place() -> None:
    assert success_message(job(), PUBLISHED) == (
        "held-out perplexity 20.1 (unigram model: 665.1); the model is in j/model on volume checkpoints"
    )


def test_the_status_keeps_the_last_log_lines_of_every_pod_that_wrote_some() -> None:
    last_lines = [str(number) for number in range(12)]
    fields = final_status_fields((succeeded_pod("j-worker-0", last_lines=last_lines), pod("j-worker-1")), NOW)
    assert fields["finish_time"] == ago(0)
    assert [(tail.pod, tail.lines) for tail in fields["logs"]] == [("j-worker-0", last_lines[-10:])]
