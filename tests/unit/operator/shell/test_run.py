"""The operator's start: what it does until it leads."""

import asyncio
from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_PLURAL
from llmtrain_operator.shell import run
from llmtrain_operator.shell.errors import NotFound
from llmtrain_operator.shell.leader import ReleasableLease, run_leader_election
from llmtrain_operator.shell.run import list_once
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue


class LateApi:
    """An API server that does not serve our resources at first, as right after their CRDs were made."""

    def __init__(self) -> None:
        self.calls = 0

    async def call(self, method: str, path: str) -> dict[str, Any]:
        self.calls += 1
        if self.calls < 3:
            raise NotFound("the server could not find the requested resource", 404)
        if path.endswith(CLUSTER_PLURAL):
            return {"items": [{"metadata": {"name": "default", "uid": "1", "resourceVersion": "7"}}]}
        return {"items": []}


def test_waits_until_its_resources_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RETRY_SECONDS", 0)

    async def check() -> None:
        store = Store(WorkQueue())
        await list_once(LateApi(), store)  # type: ignore[arg-type]
        assert list(store.clusters) == ["default"]

    asyncio.run(check())


def test_leads_from_the_moment_the_lease_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    async def get(self: ReleasableLease, name: str, namespace: str) -> Any:
        from kubernetes.aio.client import ApiException

        error = ApiException(status=404)
        error.body = '{"code": 404}'
        return False, error

    async def create(self: ReleasableLease, name: str, namespace: str, election_record: Any) -> bool:
        held.append(str(self.identity))
        return True

    monkeypatch.setattr(ReleasableLease, "get", get)
    monkeypatch.setattr(ReleasableLease, "create", create)

    async def check() -> None:
        leads = asyncio.Event()
        task = asyncio.create_task(run_leader_election(None, "llmtrain-system", "operator-1", leads))  # type: ignore[arg-type]
        await asyncio.wait_for(leads.wait(), 5)
        assert held[0] == "operator-1"
        assert not task.done()
        task.cancel()

    asyncio.run(check())
