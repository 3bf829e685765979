"""Failures with one cause are one incident of the failure budget; a crash loop is many."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.recovery_record import ProcessFailure, RecoveryRecord
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.incidents import (
    has_new_incident,
    incidents_in_window,
    is_consequence,
    with_incidents,
)
from unit.operator.builders import (
    DATASET,
    NOW,
    ago,
    conditions,
    coordinator_status,
    failed_pod,
    job,
    pod,
    snapshot,
    started,
)

HOUR = FailureBudget(max_failures=2, window_seconds=3600)


def failure(worker: int = 0, seconds: float = 0, node: str = "", generation: int = 0, **fields: Any) -> Failure:
    """Return a failure of a worker `seconds` before NOW."""
    default = {"pod": f"j-worker-{worker}", "uid": f"{worker}-{seconds}", "time": ago(seconds), "reason": "Crashed"}
    return Failure(**{**default, "node": node, "term": 1, "membership_generation": generation, **fields})


@pytest.mark.parametrize(
    ("earlier", "failures", "expected"),
    [
        pytest.param([], [], 0, id="no failure"),
        pytest.param([], [failure()], 1, id="one failure"),
        pytest.param([], [failure(number, number) for number in range(20)], 1, id="many pods at once"),
        pytest.param([failure(0, 29)], [failure(1)], 1, id="close in time"),
        pytest.param([failure(0, 30)], [failure(1)], 2, id="not close enough"),
        pytest.param([failure(0, 300, "a")], [failure(1, 0, "a")], 1, id="another worker of the same node"),
        pytest.param([failure(0, 300, "a")], [failure(1, 0, "b")], 2, id="another node"),
        pytest.param([failure(0, 300, "a")], [failure(0, 0, "a")], 2, id="the same worker fails again"),
        pytest.param([failure(0, 300, generation=7)], [failure(1, generation=7)], 1, id="the same generation"),
        pytest.param([failure(0, 300, generation=7)], [failure(1, generation=8)], 2, id="another generation"),
        pytest.param(
            [failure(0, 300, generation=7)], [failure(1, generation=7, term=2)], 2, id="a generation of another term"
        ),
        pytest.param([failure(0, 300)], [failure(1)], 2, id="neither node nor generation are known"),
        pytest.param([failure(0, 4000, "a")], [failure(1, 0, "a")], 1, id="the earlier one is out of the window"),
        pytest.param([failure(0, 0)], [failure(1, 20)], 1, id="one that is reported late"),
        pytest.param(
            [failure(0, 400, "a")], [failure(1, 200, "b"), failure(2, 0, "b")], 2, id="two nodes at different times"
        ),
    ],
)
def test_incidents(earlier: list[Failure], failures: list[Failure], expected: int) -> None:
    times = with_incidents([], [], earlier, HOUR, NOW)
    assert len(with_incidents(times, earlier, failures, HOUR, NOW)) == expected


def test_a_crash_loop_is_an_incident_every_thirty_seconds() -> None:
    times, earlier = list[str](), list[Failure]()
    for seconds in range(600, -1, -10):
        now = NOW - timedelta(seconds=seconds)
        new = failure(0, seconds, "a")
        times = with_incidents(times, earlier, [new], HOUR, now)
        earlier.append(new)
    assert len(times) == 21


@pytest.mark.parametrize("same", [{"node": "a"}, {"generation": 7}])
def test_failures_of_ever_more_workers_of_one_node_or_generation_are_an_incident_every_ten_minutes(same: Any) -> None:
    times, earlier = list[str](), list[Failure]()
    for number, seconds in enumerate(range(3000, -1, -50)):
        new = failure(number, seconds, **same)
        times = with_incidents(times, earlier[-32:], [new], HOUR, NOW - timedelta(seconds=seconds))
        earlier.append(new)
    assert times == [ago(seconds) for seconds in range(3000, -1, -600)]


def test_a_worker_that_fails_again_is_another_incident_even_if_its_first_failure_is_forgotten() -> None:
    recent = [failure(number, 200, generation=7) for number in range(1, 33)]  # worker 0 failed with them
    second = [failure(0, generation=7)]
    assert with_incidents([ago(200)], recent, second, HOUR, NOW) == [ago(200)]
    failed_at = {"j-worker-0": ago(200)}
    assert with_incidents([ago(200)], recent, second, HOUR, NOW, failed_at=failed_at) == [ago(200), ago(0)]
    before = {"j-worker-0": ago(300)}
    assert with_incidents([ago(200)], recent, second, HOUR, NOW, failed_at=before) == [ago(200)]


def test_a_failure_on_a_node_that_was_drained_is_an_incident() -> None:
    drained = failure(0, 300, "a", disruption=True)
    assert with_incidents([], [drained], [failure(1, 0, "a")], HOUR, NOW) == [ago(0)]


@pytest.mark.parametrize("time", ["", "yesterday", "0"])
def test_a_time_that_cannot_be_read_is_dropped(time: str) -> None:
    assert incidents_in_window([time, ago(5)], HOUR, NOW) == [ago(5)]
    assert with_incidents([time], [], [failure(time=time)], HOUR, NOW) == [ago(0)]


def test_the_status_has_a_new_incident_if_it_holds_another_time() -> None:
    def status(*times: str) -> JobStatus:
        return JobStatus.model_validate({"recoveries": {"times": times}})

    assert has_new_incident(status(ago(90)), status(ago(90), ago(0)))
    assert not has_new_incident(status(ago(4000), ago(90)), status(ago(90)))


DEATH = failure(1, 50, reason="ProcessDied")


@pytest.mark.parametrize(
    ("new", "other", "expected"),
    [
        pytest.param(failure(1), DEATH, True, id="the pod ends after its process died"),
        pytest.param(failure(2), DEATH, False, id="another pod ends"),
        pytest.param(failure(1, -20), DEATH, False, id="the pod ends long after"),
        pytest.param(failure(1, reason="NodeLost"), DEATH, False, id="the pod is lost with its node"),
        pytest.param(failure(1, 45, reason="ProcessDied"), DEATH, False, id="two processes die"),
        pytest.param(DEATH, failure(1, 48), True, id="the death is reported after the pod's end"),
        pytest.param(DEATH, failure(1, 58), False, id="a process of the next pod dies"),
        pytest.param(DEATH, failure(1, 90, disruption=True), True, id="a process of a drained pod dies"),
    ],
)
def test_what_follows_from_another_failure(new: Failure, other: Failure, expected: bool) -> None:
    assert is_consequence(new, [other], NOW) is expected


SIXTEEN = (
    *(pod(f"j-worker-{number}", node=f"n{number}") for number in range(16)),
    pod("j-coordinator", "coordinator", node="ok"),
)


def plan(pods: tuple[Any, ...] = SIXTEEN, now: datetime = NOW, *, status: JobStatus | None = None, **more: Any) -> Plan:
    document = status.document() if status else started(dataset=DATASET)
    the_job = job(document, workers={"replicas": 16}, training={"steps": 100, "microbatches": 16})
    return plan_job(snapshot(the_job, pods=pods, now=now, **more))


def test_eleven_nodes_that_are_lost_at_once_leave_the_job_alive() -> None:
    found = plan(lost_nodes=frozenset(f"n{number}" for number in range(11)))
    assert "Failed" not in conditions(found.status)
    assert (found.status.recoveries.count, len(found.status.recoveries.times)) == (11, 1)
    assert len(found.status.recoveries.recent) == 11


def test_workers_that_fail_one_after_the_other_before_the_next_generation_are_one_incident() -> None:
    status, now = None, NOW
    coordinator = coordinator_status("Waiting", generation=4, desired=16)
    for worker in range(12):
        now = NOW + timedelta(seconds=45 * worker)
        pods = tuple(failed_pod(view.name, node=view.node) if view.worker == worker else view for view in SIXTEEN)
        status = plan(pods, now, status=status, coordinator=coordinator).status
    assert (status.recoveries.count, len(status.recoveries.times)) == (12, 1)
    assert "Failed" not in conditions(status)


def test_deaths_of_processes_and_the_end_of_their_pod_are_counted_once() -> None:
    def record(generation: int, seconds: float) -> RecoveryRecord:
        phases = {f"{phase}_seconds": 0.1 for phase in ("detect", "rendezvous", "restore", "replay")}
        death = ProcessFailure(worker=3, local_rank=0, node="n3", exit_code=-11, message="killed by SIGSEGV")
        return RecoveryRecord(
            generation=generation,
            method="process",
            time=ago(seconds),
            replayed_steps=0,
            process_failure=death,
            **phases,
        )

    reported = [record(generation, 25 - 5 * generation) for generation in range(1, 6)]
    coordinator = coordinator_status(generation=6, desired=16).model_copy(update={"recoveries": reported})
    status = plan(coordinator=coordinator).status
    assert status.recoveries.count == 5
    pods = tuple(failed_pod(view.name, node=view.node) if view.worker == 3 else view for view in SIXTEEN)
    status = plan(pods, NOW + timedelta(seconds=5), status=status, coordinator=coordinator).status
    assert (status.recoveries.count, len(status.recoveries.times)) == (5, 1)
    assert status.recoveries.recent[-1].uid == "uid-of-j-worker-3"
