"""Each recovery reaches the status, the events and the failure budget once, whatever restarts in between."""

from dataclasses import replace
from typing import Any

from llmtrain_api.job_status import JobStatus
from llmtrain_api.recovery_record import ProcessFailure, RecoveryRecord
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.status.recoveries import describe, new_recoveries, process_failures, with_recoveries
from unit.operator.builders import DATASET, ago, conditions, coordinator_status, job, pod, snapshot, started

PODS = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))


def recovery(generation: int, **fields: Any) -> RecoveryRecord:
    default = {
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
    return RecoveryRecord(**{**default, **fields})


def of_pod(generation: int, **fields: Any) -> RecoveryRecord:
    return recovery(generation, method="pod", process_failure=None, **fields)


def plan(status: dict[str, Any], *recoveries: RecoveryRecord, **spec: Any) -> Plan:
    coordinator = coordinator_status(generation=9).model_copy(update={"recoveries": list(recoveries)})
    return plan_job(snapshot(job(status, **spec), pods=PODS, coordinator=coordinator))


def test_a_recovery_is_counted_once_and_is_one_event() -> None:
    first = plan(started(dataset=DATASET), recovery(3), of_pod(5, replayed_steps=2))
    after = first.status.recoveries
    assert (after.by_method.process, after.by_method.pod, after.by_method.checkpoint) == (1, 1, 0)
    assert after.replayed_steps == 2
    assert (after.last.membership_generation, after.last.method, after.last.seconds) == (5, "pod", "0.75")
    assert [event.reason for event in first.events].count("Recovered") == 2
    second = plan(first.status.document(), recovery(3), of_pod(5, replayed_steps=2))
    assert second.status is None or second.status.recoveries == after
    assert "Recovered" not in [event.reason for event in second.events]


def test_generations_that_a_new_coordinator_counts_from_the_start_are_new() -> None:
    before = plan(started(dataset=DATASET), recovery(9, term=1)).status.document()
    after = plan(before, recovery(1, term=2), recovery(2, term=2)).status
    assert (after.recoveries.by_method.process, after.recoveries.count) == (3, 3)
    assert (after.recoveries.last.term, after.recoveries.last.membership_generation) == (2, 2)
    status = plan(after.document(), recovery(1, term=2), recovery(2, term=2)).status
    assert status is None or status.recoveries == after.recoveries


def test_recoveries_that_the_status_does_not_record_are_new() -> None:
    coordinator = coordinator_status().model_copy(update={"recoveries": [recovery(1), recovery(2)]})
    status = with_recoveries(JobStatus(), (recovery(1),))
    assert [found.generation for found in new_recoveries(status, coordinator)] == [2]
    assert new_recoveries(status, None) == ()


def test_a_process_failure_counts_as_a_failure_of_its_worker() -> None:
    status = plan(started(dataset=DATASET), recovery(3)).status
    assert status.recoveries.count == 1
    assert (status.first_failure.pod, status.first_failure.exit_code) == ("j-worker-1", -9)
    assert status.first_failure.message == "rank 0 of its pod: killed by SIGKILL"


def test_a_recovery_from_a_lost_pod_is_no_process_failure() -> None:
    assert process_failures("j", (of_pod(3),)) == ()


def test_the_failure_budget_counts_processes_too() -> None:
    exceeded = plan(started(dataset=DATASET), recovery(3, time=ago(90)), recovery(4), recovery={"maxFailures": 1})
    assert conditions(exceeded.status)["Failed"].reason == "TooManyFailures"
    assert "killed by SIGKILL" in conditions(exceeded.status)["Failed"].message


def test_every_coordinator_has_a_greater_term_than_those_before() -> None:
    first = plan_job(snapshot(job(started(dataset=DATASET)), pods=PODS[:2]))
    assert first.status.coordinator_term == 1
    (manifest,) = [
        child for child in first.apply if (child["kind"], child["metadata"]["name"]) == ("Pod", "j-coordinator")
    ]
    assert "--term=1" in manifest["spec"]["containers"][0]["args"]
    coordinator_pod = replace(PODS[2], manifest={**PODS[2].manifest, "metadata": manifest["metadata"]})
    same = plan_job(snapshot(job(started(dataset=DATASET)), pods=(*PODS[:2], coordinator_pod)))
    assert same.status.coordinator_term == 1
    second = plan_job(snapshot(job(same.status.document()), pods=PODS[:2]))
    assert second.status.coordinator_term == 2


def test_the_message_holds_method_phases_and_replayed_steps() -> None:
    assert describe(recovery(3)) == (
        "generation 3 lost a member; training continued with another process in the same pod after 0.75 s "
        "(detect 0.00, rendezvous 0.25, restore 0.50, replay 0.00); 0 steps were replayed"
    )
