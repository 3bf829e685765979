"""The operator's start, until it leads."""

import asyncio
from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_PLURAL
from llmtrain_operator.shell import run
from llmtrain_operator.shell.errors import NotFound
from llmtrain_operator.shell.run import informers, list_once
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue


class LateApi:
    """An API server that does not serve llmtrain's resources at first, as right after their CRDs were created."""

    def __init__(self) -> None:
        self.calls = 0

    async def call(self, method: str, path: str) -> dict[str, Any]:
        self.calls += 1
        if self.calls < 3:
            raise NotFound("the server could not find the requested resource", 404)
        if path.endswith(CLUSTER_PLURAL):
            return {"items": [{"metadata": {"name": "default", "uid": "1", "resourceVersion": "7"}}]}
        return {"items": []}


def test_the_start_waits_until_the_resources_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RETRY_SECONDS", 0)

    async def check() -> None:
        store = Store(WorkQueue())
        await list_once(LateApi(), store)  # type: ignore[arg-type]
        assert list(store.clusters) == ["default"]

    asyncio.run(check())


async def test_pod_groups_are_watched_only_where_they_are_served() -> None:
    store = Store(WorkQueue())
    kinds = {informer.kind for informer in informers(None, store, gang=False)}  # type: ignore[arg-type]
    assert {"Pod", "Node", "PersistentVolumeClaim", "Service", "ConfigMap"} == kinds
    assert "PodGroup" in {informer.kind for informer in informers(None, store, gang=True)}  # type: ignore[arg-type]
