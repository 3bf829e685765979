"""How a reconciliation went is counted: what the API server refuses, and what it can't answer, are not done."""

from typing import Any

import pytest

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.shell.api import Api, Manifest
from llmtrain_operator.shell.errors import ApiError, Conflict, InvalidRequest, Unavailable
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue
from unit.operator.builders import IMAGES, SPEC

JOB, CLUSTER = Key("job", "ns", "j"), Key("cluster", "", "default")
CLUSTER_SPEC = {"storagePools": [{"name": "datasets"}, {"name": "checkpoints", "purpose": "checkpoints"}]}


class Answers(Api):
    """An API server that takes a job's status, and answers everything else with one error."""

    def __init__(self, error: ApiError) -> None:
        self.error = error

    async def replace_status(self, thing: Manifest, status: dict[str, Any]) -> Manifest:
        if thing["kind"] == CLUSTER_KIND:
            raise self.error
        return {**thing, "status": status}

    async def apply(self, manifest: Manifest) -> Manifest:
        raise self.error

    async def create_event(self, thing: Manifest, event: Any, now: str) -> None:
        """Take an event."""


def thing(kind: str, name: str, spec: dict[str, Any], **more: str) -> Manifest:
    metadata = {
        "name": name,
        "uid": name,
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": "2026-11-23T12:00:00Z",
    }
    return {"apiVersion": "llmtrain.dev/v1alpha1", "kind": kind, "metadata": {**metadata, **more}, "spec": spec}


def reconciler(error: ApiError) -> Reconciler:
    queue = WorkQueue()
    store = Store(queue)
    store.cluster_changed("upsert", thing(CLUSTER_KIND, "default", CLUSTER_SPEC))
    store.job_changed("upsert", thing(JOB_KIND, "j", SPEC, namespace="ns"))
    return Reconciler(api=Answers(error), store=store, queue=queue, images=IMAGES, gang=False)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (InvalidRequest("exceeded quota"), "refused"),
        (Unavailable("no connection"), "failed"),
        (Conflict("changed"), "conflict"),
    ],
)
@pytest.mark.parametrize("key", [JOB, CLUSTER], ids=["job", "cluster"])
async def test_what_the_api_server_says_is_counted(key: Key, error: ApiError, result: str) -> None:
    assert await reconciler(error).attempt(key, session=None) == result


async def test_what_the_api_server_takes_is_done() -> None:
    gone = Key("job", "ns", "gone")
    assert await reconciler(InvalidRequest("")).attempt(gone, session=None) == "done"
