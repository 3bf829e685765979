"""The operator's start, until it leads."""

import asyncio

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.shell.run import informers, stop
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue


async def test_pod_groups_are_watched_only_where_they_are_served() -> None:
    store = Store(WorkQueue())
    kinds = {informer.kind for informer in informers(None, store, gang=False)}  # type: ignore[arg-type]
    assert {JOB_KIND, CLUSTER_KIND, "Pod", "Node", "PersistentVolumeClaim", "Service", "ConfigMap"} == kinds
    assert "PodGroup" in {informer.kind for informer in informers(None, store, gang=True)}  # type: ignore[arg-type]


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
