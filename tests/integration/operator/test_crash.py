"""An operator that is killed before or after any write of a job's life continues it: the end is the same."""

import asyncio

import pytest

from integration.operator.disturbances import KillAt
from integration.operator.lives import (
    LIVES_AT_ONCE,
    Comparison,
    Laboratory,
    deleted_midway,
    suspended_and_resumed,
    worker_fails,
)
from support.measurements import RecordMeasurement

pytestmark = [pytest.mark.apiserver, pytest.mark.background, pytest.mark.timeout(1800)]
SCRIPTS = {"worker-fails": worker_fails, "suspended": suspended_and_resumed, "deleted": deleted_midway}


async def test_a_job_ends_the_same_whenever_its_operator_is_killed(
    laboratory: Laboratory, record_measurement: RecordMeasurement
) -> None:
    expected = {name: await laboratory.live(script, prefix=name) for name, script in SCRIPTS.items()}
    assert all(record.end.children == () for record in expected.values())
    comparison, limit = Comparison(), asyncio.Semaphore(LIVES_AT_ONCE)

    async def case(name: str, number: int, *, after: bool) -> None:
        async with limit:
            kill = KillAt(number, after=after)
            record = await laboratory.live(SCRIPTS[name], kill, prefix=name)
        if kill.has_killed:  # else this life needed fewer writes
            comparison.add(
                f"{name}, killed {'after' if after else 'before'} write {number}", record.end, expected[name].end
            )

    await asyncio.gather(
        *(
            case(name, number, after=after)
            for name, record in expected.items()
            for number in range(1, len(record.writes) + 1)
            for after in (False, True)
        )
    )
    comparison.report(record_measurement, "crash_cases")
    assert comparison.cases > sum(len(record.writes) for record in expected.values())
