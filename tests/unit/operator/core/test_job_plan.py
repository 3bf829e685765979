"""The plan of a stage: what it writes, and what waits because the API server refused it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.job_plan import build_plan
from llmtrain_operator.core.plan import earliest
from llmtrain_operator.core.policies.refusal import api_rejection
from llmtrain_operator.core.snapshot import Refusal
from llmtrain_operator.core.stage_plan import StagePlan
from unit.operator.builders import (
    DATASET,
    ago,
    conditions,
    failed_pod,
    job,
    names,
    pod,
    snapshot,
    started,
    succeeded_pod,
)

QUOTA = api_rejection(("Pod", "j-prepare"), "exceeded quota: q, limited: pods=0")


def refused_for(seconds: float, refusal: Refusal = QUOTA) -> Refusal:
    return replace(refusal, retry_after=timedelta(seconds=seconds))


def test_a_refusal_is_a_condition_and_an_event_once_and_keeps_what_else_was_decided() -> None:
    plan = plan_job(snapshot(job(), refusals=(refused_for(15),)))
    scheduled = conditions(plan.status)["Scheduled"]
    assert (scheduled.status, scheduled.reason) == ("False", "APIRejected")
    assert "rejected Pod j-prepare of this job: exceeded quota: q, limited: pods=0" in scheduled.message
    assert "remove the cause, such as an exhausted quota" in scheduled.message
    assert (plan.status.start_time, plan.status.trainer_image) == (ago(0), "trainer-cpu:1")
    assert [event.reason for event in plan.events] == ["APIRejected"]
    later = plan_job(snapshot(job(plan.status.document()), refusals=(refused_for(7),)))
    assert (later.status, later.events, later.refused) == (None, (), {QUOTA.request})
    assert later.requeue_after == timedelta(seconds=7)


def test_a_refused_object_waits_with_those_after_it_until_it_is_due() -> None:
    the_job = job(started(dataset=DATASET))
    refusal = api_rejection(("Pod", "j-worker-1"), "exceeded quota")
    held = plan_job(snapshot(the_job, refusals=(refused_for(15, refusal),)))
    assert names(held.apply)[-2:] == ["Pod j-coordinator", "Pod j-worker-0"]
    due = plan_job(snapshot(the_job, refusals=(refused_for(0, refusal),)))
    assert names(due.apply)[-1] == "Pod j-worker-1"
    assert conditions(due.status)["Scheduled"].reason == "APIRejected", "it does not change to and fro"


def test_a_refusal_of_an_object_that_is_no_longer_needed_counts_no_more() -> None:
    refusal = refused_for(15, api_rejection(("Pod", "j-worker-7"), "exceeded quota"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), refusals=(refusal,)))
    assert not plan.refused
    assert names(plan.apply)[-1] == "Pod j-worker-1"
    assert conditions(plan.status)["Scheduled"].reason == "Waiting"


def test_what_a_quota_lacks_is_deleted_while_the_object_that_needs_it_waits() -> None:
    pods = (succeeded_pod("j-worker-0"), succeeded_pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    refusal = refused_for(15, api_rejection(("Pod", "j-publish"), "exceeded quota"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods, refusals=(refusal,)))
    assert [reference.name for reference in plan.delete] == ["j-coordinator"]
    assert "Pod j-publish" not in names(plan.apply)


def test_a_failure_is_recorded_while_its_replacement_is_refused() -> None:
    refusal = refused_for(15, api_rejection(("Pod", "j-worker-1"), "exceeded quota"))
    failed = (pod("j-worker-0"), failed_pod("j-worker-1"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=failed, refusals=(refusal,)))
    assert plan.status.recoveries.count == 1
    assert plan.status.coordinator_term == 1


def test_a_refused_deletion_waits_and_applications_do_not() -> None:
    pods = (succeeded_pod("j-worker-0"), succeeded_pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    refusal = refused_for(15, api_rejection(("Pod", "j-coordinator"), "denied by a webhook", "delete"))
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=pods, refusals=(refusal,)))
    assert plan.delete == ()
    assert "Pod j-publish" in names(plan.apply)
    assert "denied by a webhook" in conditions(plan.status)["Scheduled"].message


def test_a_refused_repair_holds_up_no_creation_and_is_made_last() -> None:
    relabelled = pod("j-worker-0")
    relabelled.manifest["metadata"]["labels"] |= {"llmtrain.dev/role": "x"}
    pods = (pod("j-coordinator", "coordinator"), relabelled)
    the_job = job(started(dataset=DATASET))
    free = plan_job(snapshot(the_job, pods=pods))
    assert names(free.apply)[-1] == "Pod j-worker-0"
    refusal = refused_for(15, api_rejection(("Pod", "j-worker-0"), "label x is required", "change"))
    held = plan_job(snapshot(the_job, pods=pods, refusals=(refusal,)))
    assert names(held.apply) == names(free.apply)[:-1]
    assert "Pod j-worker-1" in names(held.apply)
    assert "label x is required" in conditions(held.status)["Scheduled"].message


def test_a_plan_without_changes_writes_no_status() -> None:
    def plan(status: dict[str, Any], stage: str) -> Any:
        observed = snapshot(job(status))
        return build_plan(observed, observed.job.status, StagePlan(stage=stage)).status

    assert plan(started(stage="Training"), "Training") is None
    assert plan(started(stage="Starting"), "Training").stage == "Training"


def test_the_earliest_delay_that_is_not_over_counts() -> None:
    seconds = [None, timedelta(seconds=9), timedelta(0), timedelta(seconds=-1), timedelta(seconds=5)]
    assert earliest(*seconds) == timedelta(seconds=5)
    assert earliest(None, timedelta(0)) is None
