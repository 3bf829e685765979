"""The account of a job's life adds up, whoever keeps it, and time alone is no reason to write."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.status.goodput import ledger_of, milliseconds, steps_done
from unit.operator.builders import DATASET, NOW, ago, job, pod, snapshot, started

BORN_MS = milliseconds(NOW - timedelta(minutes=10))
PODS = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))


def seconds(plan: Any) -> dict[str, float]:
    account = ledger_of(plan.status)
    assert account is not None
    assert account.total_ms == account.until_ms - BORN_MS
    return {kind: ms / 1000 for kind, ms in account.ms.items()}


def seen(account: TimeLedger | None) -> CoordinatorStatus:
    return CoordinatorStatus(state="Training", generation=1, desired=2, joined=2, members=[], ledger=account)


def test_a_job_that_begins_was_queued_until_now() -> None:
    assert seconds(plan_job(snapshot())) == {"queued": 600.0}


def test_the_coordinators_account_is_taken_over() -> None:
    account = TimeLedger(until_ms=BORN_MS + 590_000, ms={"starting": 90_000, "stepping": 500_000})
    status = started(dataset=DATASET, stage="Training", firstStepTime=ago(500))
    plan = plan_job(snapshot(job(status), pods=PODS, coordinator=seen(account)))
    assert ledger_of(plan.status) == account
    assert plan.status.goodput.ratio == "0.847"


def test_without_a_coordinator_the_account_rests_while_others_may_train() -> None:
    account = TimeLedger(until_ms=BORN_MS + 590_000, ms={"starting": 90_000, "stepping": 500_000})
    status = started(dataset=DATASET, stage="Training", firstStepTime=ago(500))
    kept = plan_job(snapshot(job(status), pods=PODS, coordinator=seen(account))).status.document()
    plan = plan_job(snapshot(job(kept), pods=PODS[:2]))
    assert ledger_of(plan.status) == account


def test_publishing_is_evaluating_to_the_end() -> None:
    account = {"ratio": "0.9", "until": ago(60), "seconds": {"stepping": "540.000"}}
    status = started(dataset=DATASET, stage="Publishing", training_completed=True, goodput=account)
    facts = {"loss": 1.0, "perplexity": 2.7, "unigramPerplexity": 9.0, "parameters": 1, "path": "model"}
    message = '{"reason": "Completed", "model": ' + str(facts).replace("'", '"') + "}"
    done = pod("j-publish", "publish", "Succeeded", exit_code=0, end_message=message)
    plan = plan_job(snapshot(job(status), pods=(done,)))
    assert plan.status.stage == "Succeeded"
    assert seconds(plan) == {"stepping": 540.0, "evaluating": 60.0}


def test_time_alone_is_no_reason_to_write() -> None:
    first = plan_job(snapshot(job(suspend=True)))
    again = plan_job(snapshot(job(first.status.document(), suspend=True), now=NOW + timedelta(minutes=1)))
    assert again.status is None


def unplaced(name: str, role: str = "worker") -> Any:
    return replace(pod(name, role, "Pending"), node="", unschedulable="0/3 nodes are available: 3 Insufficient cpu.")


QUEUEING = (unplaced("j-worker-0"), unplaced("j-worker-1"), unplaced("j-coordinator", "coordinator"))
SUSPENDED = started(
    dataset=DATASET,
    stage="Suspended",
    firstStepTime=ago(500),
    coordinatorTerm=1,
    progress={"step": 50, "steps": 100, "percent": 50, "loss": "2.0"},
    goodput={"ratio": "0.9", "until": ago(60), "seconds": {"stepping": "540.000"}},
)


def test_who_waits_for_a_place_is_queued_however_long_it_takes() -> None:
    queueing = plan_job(snapshot(job(started(dataset=DATASET, stage="Starting")), pods=QUEUEING))
    placed = plan_job(snapshot(job(queueing.status.document()), pods=PODS, now=NOW + timedelta(hours=1)))
    assert seconds(placed) == {"starting": 600.0, "queued": 3600.0}


def test_a_job_that_was_suspended_waited_and_starts_anew() -> None:
    resumed = plan_job(snapshot(job(SUSPENDED)))
    assert resumed.status.stage == "Starting"
    assert seconds(resumed) == {"stepping": 540.0, "waiting": 60.0}
    queueing = plan_job(snapshot(job(resumed.status.document()), pods=QUEUEING, now=NOW + timedelta(minutes=1)))
    placed = plan_job(snapshot(job(queueing.status.document()), pods=PODS, now=NOW + timedelta(hours=1)))
    assert placed.status.stage == "Starting"
    assert seconds(placed) == {"stepping": 540.0, "waiting": 60.0, "queued": 3600.0}


def test_a_new_coordinator_that_has_heard_of_nobody_changes_no_stage() -> None:
    knows_nothing = CoordinatorStatus(state="Waiting", generation=0, desired=2, joined=0, members=[])
    status = started(dataset=DATASET, stage="Training", firstStepTime=ago(500))
    assert plan_job(snapshot(job(status), pods=PODS, coordinator=knows_nothing)).status.stage == "Training"


def test_steps_done_are_told_to_the_next_coordinator_but_not_after_a_suspension() -> None:
    assert steps_done(job(SUSPENDED).status) == 0
    assert steps_done(job({**SUSPENDED, "stage": "Recovering"}).status) == 50
    assert steps_done(job({**SUSPENDED, "stage": "Recovering", "progress": None}).status) == 0
