"""Leader election by a Lease."""

import asyncio
from typing import Any

import aiohttp
import pytest
from kubernetes.aio.client import ApiException, V1Lease, V1LeaseSpec
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from llmtrain_operator.shell.leader import ReleasableLease, run_leader_election


class Leases:
    """Records the Lease that is written."""

    def __init__(self) -> None:
        self.released: list[str | None] = []

    async def replace_namespaced_lease(self, name: str, namespace: str, lease: V1Lease) -> None:
        self.released.append(lease.spec.holder_identity)


def lease(holder: str) -> tuple[ReleasableLease, Leases]:
    """Return the lease of the replica "operator-1", held by `holder`."""
    found = ReleasableLease("llmtrain-operator", "llmtrain-system", "operator-1", None)
    found.api_instance = leases = Leases()
    found.lease_reference = V1Lease(spec=V1LeaseSpec(holder_identity=holder))
    return found, leases


def test_a_replica_leads_as_soon_as_it_has_created_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    leaders: list[str] = []

    async def get(self: ReleasableLease, name: str, namespace: str) -> Any:
        error = ApiException(status=404)
        error.body = '{"code": 404}'
        return False, error

    async def create(self: ReleasableLease, name: str, namespace: str, election_record: Any) -> bool:
        leaders.append(str(self.identity))
        return True

    monkeypatch.setattr(ReleasableLease, "get", get)
    monkeypatch.setattr(ReleasableLease, "create", create)

    async def check() -> None:
        leads = asyncio.Event()
        task = asyncio.create_task(run_leader_election(None, "llmtrain-system", "operator-1", leads))  # type: ignore[arg-type]
        await asyncio.wait_for(leads.wait(), 5)
        assert leaders[0] == "operator-1"
        assert not task.done()
        task.cancel()

    asyncio.run(check())


async def test_the_leader_releases_its_lease() -> None:
    own, leases = lease("operator-1")
    await own.release()
    assert leases.released == [None]


async def test_another_replicas_lease_is_not_released() -> None:
    other, leases = lease("operator-2")
    await other.release()
    assert leases.released == []


async def test_a_lost_connection_is_an_answer_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> None:
        raise aiohttp.ClientError("reset")

    monkeypatch.setattr(LeaseLock, "get", fails)
    monkeypatch.setattr(LeaseLock, "update", fails)
    own, _ = lease("operator-1")
    found, error = await own.get("llmtrain-operator", "llmtrain-system")
    assert (found, error.status) == (False, 0)
    assert await own.update("llmtrain-operator", "llmtrain-system", None) is False
