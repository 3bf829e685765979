"""The time ledger of a job adds up, whether operator or coordinator continues it."""

from datetime import timedelta

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.termination import ModelInfo
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.status.goodput import goodput_status, ledger_of, milliseconds, steps_done, time_category
from unit.operator.builders import (
    DATASET,
    NOW,
    ago,
    coordinator_status,
    job,
    pending_pod,
    pod,
    snapshot,
    started,
    succeeded_pod,
)

CREATED_MS = milliseconds(NOW - timedelta(minutes=10))
PODS = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))
LEDGER = TimeLedger(until_ms=CREATED_MS + 590_000, ms={"starting": 90_000, "stepping": 500_000})
TRAINING = started(dataset=DATASET, stage="Training", firstStepTime=ago(500))
INSUFFICIENT = "0/3 nodes are available: 3 Insufficient cpu."
QUEUED = (
    pending_pod("j-worker-0", unschedulable=INSUFFICIENT),
    pending_pod("j-worker-1", unschedulable=INSUFFICIENT),
    pending_pod("j-coordinator", "coordinator", INSUFFICIENT),
)
SUSPENDED = started(
    dataset=DATASET,
    stage="Suspended",
    firstStepTime=ago(500),
    coordinatorTerm=1,
    progress={"step": 50, "steps": 100, "percent": 50, "loss": "2.0"},
    goodput={"ratio": "0.9", "until": ago(60), "seconds": {"stepping": "540.000"}},
)


def seconds(plan: Plan) -> dict[str, float]:
    """Return the seconds by category, after checking that they add up to the job's lifetime."""
    ledger = ledger_of(plan.status)
    assert ledger is not None
    assert ledger.total_ms == ledger.until_ms - CREATED_MS
    return {category: ms / 1000 for category, ms in ledger.ms.items()}


def with_ledger(ledger: TimeLedger) -> CoordinatorStatus:
    return coordinator_status().model_copy(update={"ledger": ledger})


def test_a_job_that_starts_was_queued_until_now() -> None:
    assert seconds(plan_job(snapshot())) == {"queued": 600.0}


def test_the_coordinators_ledger_replaces_the_status() -> None:
    plan = plan_job(snapshot(job(TRAINING), pods=PODS, coordinator=with_ledger(LEDGER)))
    assert ledger_of(plan.status) == LEDGER
    assert plan.status.goodput.ratio == "0.847"


def test_without_a_coordinator_the_ledger_stands_still_while_ranks_may_train() -> None:
    document = plan_job(snapshot(job(TRAINING), pods=PODS, coordinator=with_ledger(LEDGER))).status.document()
    assert ledger_of(plan_job(snapshot(job(document), pods=PODS[:2])).status) == LEDGER


def test_publishing_counts_as_evaluating_until_the_end() -> None:
    goodput = {"ratio": "0.9", "until": ago(60), "seconds": {"stepping": "540.000"}}
    status = started(dataset=DATASET, stage="Publishing", training_completed=True, goodput=goodput)
    model = ModelInfo(loss=1.0, perplexity=2.7, unigram_perplexity=9.0, parameters=1, path="model")
    plan = plan_job(snapshot(job(status), pods=(succeeded_pod("j-publish", "publish", model=model),)))
    assert plan.status.stage == "Succeeded"
    assert seconds(plan) == {"stepping": 540.0, "evaluating": 60.0}


def test_passing_time_alone_does_not_write_the_status() -> None:
    first = plan_job(snapshot(job(suspend=True)))
    later = plan_job(snapshot(job(first.status.document(), suspend=True), now=NOW + timedelta(minutes=1)))
    assert later.status is None


def test_a_job_whose_pods_have_no_node_is_queued() -> None:
    queued = plan_job(snapshot(job(started(dataset=DATASET, stage="Starting")), pods=QUEUED))
    placed = plan_job(snapshot(job(queued.status.document()), pods=PODS, now=NOW + timedelta(hours=1)))
    assert seconds(placed) == {"starting": 600.0, "queued": 3600.0}


def test_a_suspended_job_waits_and_starts_again_when_it_is_resumed() -> None:
    resumed = plan_job(snapshot(job(SUSPENDED)))
    assert resumed.status.stage == "Starting"
    assert seconds(resumed) == {"stepping": 540.0, "waiting": 60.0}
    queued = plan_job(snapshot(job(resumed.status.document()), pods=QUEUED, now=NOW + timedelta(minutes=1)))
    placed = plan_job(snapshot(job(queued.status.document()), pods=PODS, now=NOW + timedelta(hours=1)))
    assert placed.status.stage == "Starting"
    assert seconds(placed) == {"stepping": 540.0, "waiting": 60.0, "queued": 3600.0}


def test_a_new_coordinator_that_knows_no_rank_changes_no_stage() -> None:
    new = coordinator_status("Waiting", generation=0, joined=0)
    assert plan_job(snapshot(job(TRAINING), pods=PODS, coordinator=new)).status.stage == "Training"


def test_the_next_coordinator_takes_steps_as_done_unless_the_job_was_suspended() -> None:
    assert steps_done(job(SUSPENDED).status) == 0
    assert steps_done(job({**SUSPENDED, "stage": "Recovering"}).status) == 50
    assert steps_done(job({**SUSPENDED, "stage": "Recovering", "progress": None}).status) == 0


def test_the_category_of_a_new_job_is_queued() -> None:
    assert time_category(JobStatus()) == "queued"
    assert time_category(JobStatus(stage="Training")) == "stepping"


def test_a_ledger_in_the_status_is_read_back_exactly() -> None:
    assert ledger_of(JobStatus(goodput=goodput_status(LEDGER))) == LEDGER
    assert ledger_of(JobStatus()) is None
