"""When a recovery began, whatever the clock of the coordinator's node shows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.recovery_record import ProcessFailure, RecoveryRecord
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.recovery_time import MAX_GENERATIONS, began, with_generation
from support.garbage import EXTREME_INSTANTS
from unit.operator.builders import DATASET, NOW, ago, coordinator_status, job, pod, progress, snapshot, started

LAST = {"membershipGeneration": 2, "method": "pod", "time": ago(600), "seconds": "1", "replayedSteps": 0}
WORKERS = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))


def record(time: str, generation: int = 3, **fields: float) -> RecoveryRecord:
    """Return a recovery that took 2 + 3 + 4 seconds, after one second without a heartbeat."""
    phases = {"detect_seconds": 1.0, "rendezvous_seconds": 2.0, "restore_seconds": 3.0, "replay_seconds": 4.0, **fields}
    return RecoveryRecord.model_validate(
        {"generation": generation, "method": "process", "time": time, "replayed_steps": 1, **phases}
    )


def seen(**seconds_ago: float) -> dict[int, datetime]:
    """Return when generations were seen: `g3=10` is 10 seconds before NOW."""
    return {int(name[1:]): NOW - timedelta(seconds=seconds) for name, seconds in seconds_ago.items()}


@pytest.mark.parametrize(
    ("reported", "times", "expected"),
    [
        pytest.param(20, seen(g3=21, g4=1), 20, id="after the operator saw the generation"),
        pytest.param(22, seen(g3=21, g4=1), 22, id="while the next generation did not begin yet"),
        pytest.param(20, seen(g1=21, g4=1), 20, id="after the operator saw an earlier generation"),
        pytest.param(7200, seen(g3=21, g4=1), 9, id="of a clock that is behind"),
        pytest.param(-7200, seen(g3=21, g4=1), 9, id="of a clock that is ahead"),
        pytest.param(7200, seen(g3=4, g4=1), 6, id="the generation was seen after the estimate"),
        pytest.param(300, {}, 300, id="an operator that has just started has seen none"),
        pytest.param(601, {}, 9, id="but knows the last recovery"),
        pytest.param(20, seen(g4=1), 20, id="nor has it seen this one"),
    ],
)
def test_a_time_counts_if_it_is_possible(reported: float, times: Mapping[int, datetime], expected: float) -> None:
    status = JobStatus.model_validate(started(recoveries={"last": LAST}))
    assert began(record(ago(reported)), status, times, NOW) == NOW - timedelta(seconds=expected)


@pytest.mark.parametrize("time", ["", "yesterday", *EXTREME_INSTANTS])
def test_a_time_that_cannot_be_read_is_estimated(time: str) -> None:
    assert began(record(time), JobStatus(), {}, NOW) == NOW - timedelta(seconds=9)


@pytest.mark.parametrize("status", [started(), started(recoveries={"last": {**LAST, "time": ago(-60)}})], ids=repr)
def test_no_duration_moves_a_recovery_out_of_the_life_of_the_operator(status: dict[str, object]) -> None:
    endless = record("", rendezvous_seconds=1e300, restore_seconds=1e300)
    now = began(endless, JobStatus.model_validate(status), {}, NOW)
    assert NOW - timedelta(seconds=300) <= now <= NOW


def test_generations_of_an_earlier_term_and_the_oldest_ones_are_forgotten() -> None:
    times: dict[int, datetime] = {}
    for number in range(1, 200):
        times = with_generation(times, number, NOW)
    assert list(times) == list(range(200 - MAX_GENERATIONS, 200))
    assert with_generation(times, 150, NOW) == dict.fromkeys(range(200 - MAX_GENERATIONS, 151), NOW)


@pytest.mark.parametrize("remembers", [True, False], ids=["one operator", "a new operator each time"])
@pytest.mark.parametrize("offset", [0, -1800, -3500, -7200, 7200, 10**9])
def test_the_clock_of_the_coordinators_node_does_not_decide_about_the_failure_budget(
    offset: float, remembers: bool
) -> None:
    status, times = JobStatus.model_validate(started(dataset=DATASET, stage="Training", coordinatorTerm=1)), {}
    failures = 0
    while status.stage != "Failed" and failures < 50:
        now = NOW + timedelta(seconds=40 * failures)
        failures += 1
        death = record(format_rfc3339(now + timedelta(seconds=offset)), generation=failures)
        death = death.model_copy(
            update={"term": 1, "process_failure": ProcessFailure(worker=0, local_rank=0, exit_code=1)}
        )
        answer = coordinator_status(generation=failures + 1, recoveries=[death], progress=progress())
        observed = snapshot(replace(job(), status=status), now=now, pods=WORKERS, coordinator=answer)
        planned = plan_job(replace(observed, generations_seen=times if remembers else {})).status
        assert isinstance(planned, JobStatus)
        status, times = planned, with_generation(times, failures + 1, now)
        assert all(time <= format_rfc3339(now) for time in status.recoveries.times)
    assert failures == job().spec.recovery.max_failures + 1
