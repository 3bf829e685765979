"""Leader election by a Lease: one replica acts, whatever clocks, connections and other replicas do."""

import asyncio
import contextlib
import time
from typing import Any

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell import leader
from llmtrain_operator.shell.errors import Conflict, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.leader import LEASE_SECONDS, RENEW_SECONDS, Lease, run_leader_election
from llmtrain_operator.shell.own_thread import run_in_thread
from support.garbage import garbled
from support.measurements import RecordMeasurement


class Clock:
    """A monotonic clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class LeaseServer:
    """An API server with one Lease, which is written only at its newest version."""

    def __init__(self) -> None:
        self.lease: Manifest | None = None
        self.version = 0
        self.error: Exception | None = None
        self.silent = False
        self.calls: list[str] = []

    @property
    def holder(self) -> Any:
        return self.lease["spec"]["holderIdentity"] if self.lease else None

    async def call(
        self, method: str, path: str, body: Manifest | None = None, *, seconds: float, fenced: bool = True
    ) -> Manifest:
        self.calls.append(method)
        if self.silent:
            await asyncio.sleep(3600)
        if self.error is not None:
            raise self.error
        if method == "GET":
            if self.lease is None:
                raise NotFound("not found", 404)
            return self.lease
        assert body is not None
        assert not fenced, "a replica that does not lead must be able to write the Lease"
        if method == "PUT" and body["metadata"].get("resourceVersion") != str(self.version):
            raise Conflict("changed", 409)
        self.version += 1
        self.lease = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
        return self.lease


@pytest.fixture
def server() -> LeaseServer:
    return LeaseServer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lease(server: LeaseServer, clock: Clock, identity: str = "operator-1") -> Lease:
    return Lease(server, "llmtrain-system", identity, clock)  # type: ignore[arg-type]


async def test_a_replica_creates_and_renews_the_lease(server: LeaseServer, clock: Clock) -> None:
    own = lease(server, clock)
    assert await own.acquire()
    assert await own.acquire()
    assert server.calls == ["GET", "POST", "PUT"], "a renewal needs no read"
    assert server.holder == "operator-1"
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 0


async def test_a_lease_is_taken_when_it_was_not_renewed_for_its_duration(server: LeaseServer, clock: Clock) -> None:
    other, own = lease(server, clock, "operator-2"), lease(server, clock)
    await other.acquire()
    assert not await own.acquire()
    clock.now += LEASE_SECONDS
    assert not await own.acquire()
    await other.acquire()
    clock.now += LEASE_SECONDS
    assert not await own.acquire(), "it was renewed in between"
    clock.now += LEASE_SECONDS + 1
    assert await own.acquire()
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 1


@pytest.mark.parametrize("renewed", ["1990-01-01T00:00:00.000000Z", "2090-01-01T00:00:00.000000Z", "x", None])
async def test_the_clock_of_another_replica_does_not_decide(server: LeaseServer, clock: Clock, renewed: Any) -> None:
    other, own = lease(server, clock, "operator-2"), lease(server, clock)
    await other.acquire()
    assert server.lease is not None
    server.lease["spec"]["renewTime"] = renewed
    assert not await own.acquire()
    clock.now += LEASE_SECONDS + 1
    assert await own.acquire()


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None}, {"holderIdentity": "", "leaseTransitions": "x"}])
async def test_a_lease_without_a_holder_is_free(server: LeaseServer, clock: Clock, spec: Any) -> None:
    server.lease = {"metadata": {"name": "llmtrain-operator", "resourceVersion": "0"}, "spec": spec}
    assert await lease(server, clock).acquire()


async def test_leadership_is_known_to_end_before_another_replica_can_lead(server: LeaseServer, clock: Clock) -> None:
    own = lease(server, clock)
    await own.acquire()
    clock.now += RENEW_SECONDS
    assert own.remaining_seconds <= 0
    assert RENEW_SECONDS < LEASE_SECONDS


async def test_the_leader_releases_its_lease(server: LeaseServer, clock: Clock) -> None:
    own = lease(server, clock)
    await own.acquire()
    await own.acquire()
    await own.release()
    assert server.holder == ""
    assert await lease(server, clock, "operator-2").acquire(), "without waiting"


async def test_another_replicas_lease_is_not_released(server: LeaseServer, clock: Clock) -> None:
    await lease(server, clock, "operator-2").acquire()
    await lease(server, clock).release()
    assert server.holder == "operator-2"


async def start(own: Lease) -> asyncio.Task[None]:
    """Return the running election after it was won."""
    leads = asyncio.Event()
    task = asyncio.create_task(run_leader_election(own, leads.set))
    await asyncio.wait_for(leads.wait(), 5)
    return task


async def test_an_election_that_is_cancelled_releases_the_lease(server: LeaseServer, clock: Clock) -> None:
    task = await start(lease(server, clock))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert server.holder == ""


@pytest.mark.parametrize(
    "error", [Unavailable("no answer"), RequestRejected("forbidden", 403)], ids=["no connection", "no permission"]
)
async def test_an_election_ends_when_no_renewal_succeeds_in_time(
    server: LeaseServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0)
    task = await start(lease(server, clock))
    server.error = error
    clock.now += RENEW_SECONDS + 1
    await asyncio.wait_for(task, 5)


async def test_a_server_that_does_not_answer_ends_the_leadership_too(
    server: LeaseServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0)
    monkeypatch.setattr(leader, "CALL_SECONDS", 0.01)
    task = await start(lease(server, clock))
    server.silent = True
    while len(server.calls) < 4:
        await asyncio.sleep(0.01)
    clock.now += RENEW_SECONDS + 1
    await asyncio.wait_for(task, 5)


async def test_an_election_ends_when_another_replica_holds_the_lease(
    server: LeaseServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0)
    task = await start(lease(server, clock))
    server.lease = {"metadata": {"resourceVersion": "99"}, "spec": {"holderIdentity": "operator-2"}}
    server.version = 99
    await asyncio.wait_for(task, 5)
    assert server.holder == "operator-2"


async def test_a_process_that_computes_without_a_pause_renews_its_lease(
    server: LeaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0.01)
    loop, leads = asyncio.get_running_loop(), asyncio.Event()
    own = Lease(server, "llmtrain-system", "operator-1")  # type: ignore[arg-type]
    election = asyncio.create_task(
        run_in_thread(lambda: run_leader_election(own, lambda: loop.call_soon_threadsafe(leads.set)))
    )
    await asyncio.wait_for(leads.wait(), 5)
    renewals, deadline = server.version + 10, time.monotonic() + 5
    while server.version < renewals:  # nothing else runs in this event loop
        assert time.monotonic() < deadline, f"{renewals - server.version} renewals are missing"
    server.error = Unavailable("no answer")
    assert own.renewed_at is not None
    own.renewed_at -= RENEW_SECONDS
    await asyncio.wait_for(election, 5)
    assert own.remaining_seconds <= 0


@pytest.mark.parametrize("identity", ["operator-1", "operator-2"], ids=["its holder", "another replica"])
async def test_a_lease_can_contain_anything(
    server: LeaseServer, clock: Clock, identity: str, record_measurement: RecordMeasurement
) -> None:
    assert await lease(server, clock).acquire()
    cases, written = 0, server.lease
    for place, bad in garbled(written):
        cases += 1
        server.lease, replica = bad, lease(server, clock, identity)
        for _ in range(2):
            with contextlib.suppress(Conflict):
                await replica.acquire()
            clock.now += leader.MAX_LEASE_SECONDS + 1
        with contextlib.suppress(Conflict):
            await replica.release()
        if server.lease is not bad:
            assert 0 <= server.lease["spec"]["leaseTransitions"] < 2**31, place
    record_measurement("garbage_cases", cases, "")
