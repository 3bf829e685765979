"""An API server that fails in every way it can leads to no other end than one that does not."""

import asyncio
from contextlib import nullcontext
from itertools import product

import pytest

from integration.operator.disturbances import WATCH_FAULTS, WRITE_FAULTS, FaultyWrites, WriteFault, unanswered
from integration.operator.lives import LIVES_AT_ONCE, Comparison, Laboratory, worker_fails
from support.api_proxy import CLUSTER_WIDE, NAMED, ApiProxy, Write
from support.measurements import RecordMeasurement

pytestmark = [pytest.mark.apiserver, pytest.mark.background, pytest.mark.timeout(1800)]
UNUSED = ("resourcequotas", "networkpolicies")
"""Resources of which no life has any."""
WATCHED = (*(plural for plural in CLUSTER_WIDE if plural not in UNUSED), *NAMED, "nodes")
PREFIX = "faults"


def first_of_each_kind(writes: tuple[Write, ...]) -> list[int]:
    """Return the number of the first write of each method and resource."""
    first: dict[tuple[str, str], int] = {}
    for number, write in enumerate(writes, start=1):
        first.setdefault((write.method, write.plural), number)
    return sorted(first.values())


async def test_a_job_ends_the_same_whatever_becomes_of_a_write(
    laboratory: Laboratory, record_measurement: RecordMeasurement
) -> None:
    comparison, limit, faults = Comparison(), asyncio.Semaphore(LIVES_AT_ONCE), FaultyWrites()
    proxy = ApiProxy(laboratory.admin.session, faults)

    async def case(name: str, number: int, fault: WriteFault) -> None:
        async with limit:
            namespace = laboratory.namespace(PREFIX)
            faults.faults[namespace] = (number, fault)
            record = await laboratory.live_at(proxy, worker_fails, namespace)
        if namespace in faults.disturbed:  # else this life needed fewer writes
            comparison.add(f"{name} at write {number}", record.end, undisturbed.end)

    await laboratory.admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": PREFIX}})
    async with proxy.running():
        await laboratory.operators.start(proxy.url, namespace=PREFIX)
        undisturbed = await laboratory.live_at(proxy, worker_fails, laboratory.namespace(PREFIX))
        assert undisturbed.end.children == ()
        numbers = range(1, len(undisturbed.writes) + 1)
        await asyncio.gather(
            *(case("no answer", number, unanswered) for number in first_of_each_kind(undisturbed.writes)),
            *(case(name, number, fault) for number, (name, fault) in product(numbers, WRITE_FAULTS.items())),
        )
    comparison.report(record_measurement, "fault_cases")
    assert comparison.cases > len(undisturbed.writes)


async def test_a_job_ends_the_same_whatever_becomes_of_a_watch(
    laboratory: Laboratory, record_measurement: RecordMeasurement
) -> None:
    comparison, limit = Comparison(), asyncio.Semaphore(LIVES_AT_ONCE)
    undisturbed = await laboratory.live(worker_fails, prefix=PREFIX)
    assert undisturbed.end.children == ()

    async def case(name: str, plural: str) -> None:
        fault = WATCH_FAULTS[name](plural)
        async with limit if name != "silent" else nullcontext():  # those wait most of the time
            record = await laboratory.live(worker_fails, fault, prefix=PREFIX)
        assert fault.events, f"no event of {plural}"
        comparison.add(f"{name} watch of {plural}", record.end, undisturbed.end)

    await asyncio.gather(*(case(name, plural) for name, plural in product(WATCH_FAULTS, WATCHED)))
    comparison.report(record_measurement, "fault_cases")
