"""A coordinator that runs and does not answer the operator is reported with the policy that would let the operator in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.coordinator_unreachable import unreachable_conditions
from llmtrain_operator.core.snapshot import Silence
from unit.operator.builders import (
    DATASET,
    IMAGES,
    NOW,
    ago,
    conditions,
    coordinator_status,
    job,
    pending_pod,
    pod,
    snapshot,
    started,
)

COORDINATOR = pod("j-coordinator", "coordinator")
PODS = (pod("j-worker-0"), pod("j-worker-1"), COORDINATOR)
SILENCE = Silence(
    since=NOW - timedelta(seconds=40),
    duration=timedelta(seconds=40),
    unanswered=9,
    has_answered=False,
    error="no answer in time",
)
SYSTEM = replace(IMAGES, operator_namespace="llmtrain-system")


@pytest.mark.parametrize(
    ("pods", "silence", "expected"),
    [
        pytest.param(PODS, SILENCE, True, id="it runs and never answered"),
        pytest.param(PODS, None, False, id="it answers"),
        pytest.param(PODS, replace(SILENCE, duration=timedelta(seconds=29)), False, id="it may still start"),
        pytest.param((pending_pod("j-coordinator", "coordinator"),), SILENCE, False, id="it does not run"),
        pytest.param((replace(COORDINATOR, waiting_reason="CrashLoopBackOff"),), SILENCE, False, id="it restarts"),
    ],
)
def test_when_a_coordinator_is_unreachable(pods: Any, silence: Silence | None, expected: bool) -> None:
    assert bool(unreachable_conditions(silence, pods, job=job(), images=SYSTEM)) is expected


def test_the_condition_names_the_policy_and_stays_the_same_while_the_silence_lasts() -> None:
    (condition,) = unreachable_conditions(SILENCE, PODS, job=job(), images=SYSTEM)
    assert (condition.type, condition.status, condition.reason) == ("Degraded", True, "CoordinatorUnreachable")
    assert condition.message.startswith(
        f"j-coordinator runs and has not answered the operator since {ago(40)} (no answer in time): workers may train"
    )
    assert (
        "allow TCP port 8470 from namespace llmtrain-system to pods with the labels llmtrain.dev/job=j and "
        "llmtrain.dev/role=coordinator in a NetworkPolicy of namespace ns" in condition.message
    )
    assert "jobNetworkPolicy.enabled" in condition.message
    later = replace(SILENCE, duration=timedelta(seconds=90), unanswered=12)
    assert unreachable_conditions(later, PODS, job=job(), images=SYSTEM) == (condition,)


def test_the_jobs_own_policy_is_named_where_it_has_one() -> None:
    images = replace(SYSTEM, coordinator_from=())
    (condition,) = unreachable_conditions(SILENCE, PODS, job=job(), images=images)
    assert "NetworkPolicy j-network allows TCP port 8470 from namespace llmtrain-system" in condition.message


def test_a_coordinator_that_refuses_the_operator_needs_no_policy() -> None:
    silence = replace(SILENCE, is_refusal=True, error="it accepts no token: delete the Secret")
    (condition,) = unreachable_conditions(silence, PODS, job=job(), images=SYSTEM)
    assert "it accepts no token: delete the Secret" in condition.message
    assert "NetworkPolicy" not in condition.message


def test_a_job_keeps_its_unreachable_coordinator_until_it_answers() -> None:
    before = snapshot(job(started(dataset=DATASET)), pods=PODS, silence=SILENCE, images=SYSTEM)
    plan = plan_job(before)
    assert plan.delete == ()
    degraded = conditions(plan.status)["Degraded"]
    assert (degraded.status, degraded.reason) == ("True", "CoordinatorUnreachable")
    assert ("Warning", "CoordinatorUnreachable") in {(event.type, event.reason) for event in plan.events}
    reached = replace(
        before, job=job(plan.status.document()), silence=None, coordinator=coordinator_status(generation=0)
    )
    ended = conditions(plan_job(reached).status)["Degraded"]
    assert (ended.status, ended.reason) == ("False", "CoordinatorReached")
