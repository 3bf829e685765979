"""Each recovery reaches the status, the events and the budget once, whatever happens to operator and coordinator."""

from dataclasses import replace
from typing import Any

from llmtrain_api.protocol import CoordinatorStatus, ProcessFailure, RecoveryRecord
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.status.recoveries import describe
from unit.operator.builders import DATASET, ago, conditions, job, pod, snapshot, started

PODS = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))


def recovery(generation: int, **fields: Any) -> RecoveryRecord:
    plain = {
        "generation": generation,
        "method": "process",
        "time": ago(1),
        "detect_seconds": 0.0,
        "rendezvous_seconds": 0.25,
        "restore_seconds": 0.5,
        "replay_seconds": 0.0,
        "replayed_steps": 0,
        "process_failure": ProcessFailure(
            worker=1, local_rank=0, node="node-1", exit_code=-9, message="killed by SIGKILL"
        ),
    }
    return RecoveryRecord(**{**plain, **fields})


def seen(*recoveries: RecoveryRecord) -> CoordinatorStatus:
    return CoordinatorStatus(
        state="Training", generation=9, desired=2, joined=2, members=[], recoveries=list(recoveries)
    )


def plan(status: dict[str, Any], *recoveries: RecoveryRecord, **spec: Any) -> Any:
    return plan_job(snapshot(job(status, **spec), pods=PODS, coordinator=seen(*recoveries)))


def test_a_recovery_is_counted_once_and_told_in_one_event() -> None:
    first = plan(
        started(dataset=DATASET), recovery(3), recovery(5, method="pod", process_failure=None, replayed_steps=2)
    )
    after = first.status.recoveries
    assert (after.by_method.process, after.by_method.pod, after.by_method.checkpoint, after.replayed_steps) == (
        1,
        1,
        0,
        2,
    )
    assert (after.last.membership_generation, after.last.method, after.last.seconds) == (5, "pod", "0.75")
    assert [event.reason for event in first.events].count("Recovered") == 2
    again = plan(
        first.status.document(), recovery(3), recovery(5, method="pod", process_failure=None, replayed_steps=2)
    )
    assert again.status is None or again.status.recoveries == after
    assert "Recovered" not in [event.reason for event in again.events]


def test_generations_that_are_counted_anew_by_another_coordinator_are_news() -> None:
    before = plan(started(dataset=DATASET), recovery(9, term=1)).status.document()
    after = plan(before, recovery(1, term=2), recovery(2, term=2)).status
    assert (after.recoveries.by_method.process, after.recoveries.count) == (3, 3)
    assert (after.recoveries.last.term, after.recoveries.last.membership_generation) == (2, 2)
    again = plan(after.document(), recovery(1, term=2), recovery(2, term=2)).status
    assert again is None or again.recoveries == after.recoveries


def test_a_process_that_died_counts_as_a_failure_and_says_what_it_said() -> None:
    first = plan(started(dataset=DATASET), recovery(3)).status
    assert first.recoveries.count == 1
    assert (first.first_failure.pod, first.first_failure.exit_code) == ("j-worker-1", -9)
    assert first.first_failure.message == "rank 0 of its pod: killed by SIGKILL"


def test_the_budget_holds_for_processes_too() -> None:
    spent = plan(started(dataset=DATASET), recovery(3), recovery(4), recovery={"maxFailures": 1})
    assert conditions(spent.status)["Failed"].reason == "TooManyFailures"
    assert "killed by SIGKILL" in conditions(spent.status)["Failed"].message


def test_every_coordinator_has_a_greater_term_than_those_before() -> None:
    first = plan_job(snapshot(job(started(dataset=DATASET)), pods=PODS[:2]))
    assert first.status.coordinator_term == 1
    (manifest,) = [
        child for child in first.apply if (child["kind"], child["metadata"]["name"]) == ("Pod", "j-coordinator")
    ]
    assert "--term=1" in manifest["spec"]["containers"][0]["args"]
    unwritten = replace(PODS[2], manifest={**PODS[2].manifest, "metadata": manifest["metadata"]})
    lives = plan_job(snapshot(job(started(dataset=DATASET)), pods=(*PODS[:2], unwritten)))
    assert lives.status.coordinator_term == 1
    second = plan_job(snapshot(job(lives.status.document()), pods=PODS[:2]))
    assert second.status.coordinator_term == 2


def test_the_sentence_says_what_it_took_and_cost() -> None:
    assert describe(recovery(3)) == (
        "generation 3 lost a member; training continued with another process in the same pod after 0.75 s (detect 0.00, "
        "rendezvous 0.25, restore 0.50, replay 0.00); 0 steps were replayed"
    )
