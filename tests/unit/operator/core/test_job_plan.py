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


def test_a_refused_coordinator_is_tried_again_without_a_change_of_the_status() -> None:
    refusal = api_rejection(("Pod", "j-coordinator"), "exceeded quota: q, limited: pods=0")
    first = plan_job(snapshot(job(started(dataset=DATASET))))
    assert first.status.coordinator_term == 1
    refused = plan_job(snapshot(job(first.status.document()), refusals=(refused_for(15, refusal),)))
    retried = plan_job(snapshot(job(refused.status.document()), refusals=(refused_for(0, refusal),)))
    assert names(retried.apply)[-1] == "Pod j-worker-1"
    assert (retried.status, retried.events) == (None, ())
    unknown = replace(refusal, is_transient=True, retry_after=timedelta(0))
    assert plan_job(snapshot(job(refused.status.document()), refusals=(unknown,))).status.coordinator_term == 2


def test_a_refused_service_is_tried_without_pods_and_uses_up_no_term() -> None:
    refusal = api_rejection(("Service", "j-coordinator"), "exceeded quota: q, limited: services=0")
    first = plan_job(snapshot(job(started(dataset=DATASET))))
    refused = plan_job(snapshot(job(first.status.document()), refusals=(refused_for(15, refusal),)))
    assert "Service j-coordinator" not in names(refused.apply)
    for cause in (refusal, replace(refusal, is_transient=True)):
        retried = plan_job(snapshot(job(refused.status.document()), refusals=(refused_for(0, cause),)))
        assert names(retried.apply)[-1] == "Service j-coordinator"
        assert (retried.status, retried.events) == (None, ())
    accepted = plan_job(snapshot(job(refused.status.document())))
    assert "Pod j-coordinator" in names(accepted.apply)
    assert accepted.status.coordinator_term == 2, "greater than that of a coordinator that could have existed"


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
