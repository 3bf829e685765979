"""The operator's start, until it leads."""

import asyncio
import os

import pytest

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.shell import run
from llmtrain_operator.shell.api import MAX_IN_FLIGHT
from llmtrain_operator.shell.errors import Unavailable
from llmtrain_operator.shell.run import api_client, informers, serves_gangs, stop
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue


async def test_pod_groups_are_watched_only_where_they_are_served() -> None:
    store = Store(WorkQueue())
    kinds = {informer.kind for informer in informers(None, store, gang=False)}  # type: ignore[arg-type]
    of_jobs = {"Pod", "PersistentVolumeClaim", "Service", "ConfigMap", "NetworkPolicy"}
    assert {JOB_KIND, CLUSTER_KIND, "Node", "Namespace", "ResourceQuota", *of_jobs} == kinds
    assert "PodGroup" in {informer.kind for informer in informers(None, store, gang=True)}  # type: ignore[arg-type]


async def test_an_api_server_that_is_unavailable_at_the_start_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class LateApi:
        def __init__(self) -> None:
            self.calls = 0

        async def has_resource(self, api_version: str, plural: str) -> bool:
            self.calls += 1
            if self.calls < 3:
                raise Unavailable("no answer")
            return True

    monkeypatch.setattr(run, "RETRY_SECONDS", 0)
    assert await serves_gangs(LateApi())  # type: ignore[arg-type]


async def test_tasks_have_ended_when_they_are_stopped() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("work")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await stop({task})
    assert ended == ["work"]


@pytest.mark.parametrize(
    ("environment", "trusted"), [({}, False), ({"HTTPS_PROXY": "http://proxy.example:3128"}, True)]
)
async def test_the_client_reads_netrc_only_for_a_proxy_and_has_a_connection_for_each_request_and_watch(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], trusted: bool
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    kinds = len(informers(None, Store(WorkQueue()), gang=True))  # type: ignore[arg-type]
    async with api_client() as client:
        session = client.rest_client._create_pool_manager()
        assert session.trust_env is trusted
        assert session.connector is not None
        assert session.connector.limit >= MAX_IN_FLIGHT + kinds
        await session.close()
