"""The result of a reconciliation: done, or why not; and how a plan is executed."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event, ObjectReference, Plan
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue
from unit.operator.builders import IMAGES, SPEC

JOB, CLUSTER = Key("job", "ns", "j"), Key("cluster", "", "default")
CLUSTER_SPEC = {"storagePools": [{"name": "datasets"}, {"name": "checkpoints", "purpose": "checkpoints"}]}


class FailingApi(Api):
    """An API server that accepts a job's status, and answers everything else with one error."""

    def __init__(self, error: ApiError) -> None:
        self.error = error

    async def replace_status(self, obj: Manifest, status: dict[str, Any]) -> Manifest:
        if obj["kind"] == CLUSTER_KIND:
            raise self.error
        return {**obj, "status": status}

    async def apply(self, manifest: Manifest) -> Manifest:
        raise self.error

    async def create_event(self, obj: Manifest, event: Any, now: str) -> None:
        """Accept an event."""


def manifest(kind: str, name: str, spec: dict[str, Any], **more: str) -> Manifest:
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
    store.cluster_changed("upsert", manifest(CLUSTER_KIND, "default", CLUSTER_SPEC))
    store.job_changed("upsert", manifest(JOB_KIND, "j", SPEC, namespace="ns"))
    return Reconciler(api=FailingApi(error), store=store, queue=queue, images=IMAGES, gang=False)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (RequestRejected("exceeded quota"), "rejected"),
        (Unavailable("no connection"), "failed"),
        (Conflict("changed"), "conflict"),
    ],
)
@pytest.mark.parametrize("key", [JOB, CLUSTER], ids=["job", "cluster"])
async def test_an_error_of_the_api_server_is_the_result(key: Key, error: ApiError, result: str) -> None:
    assert await reconciler(error).attempt(key, session=None) == result


async def test_a_job_that_no_longer_exists_is_done() -> None:
    gone = Key("job", "ns", "gone")
    assert await reconciler(RequestRejected("")).attempt(gone, session=None) == "done"


class RecordingApi(Api):
    """An API server that accepts everything, and records it in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def replace_status(self, obj: Manifest, status: dict[str, Any]) -> Manifest:
        self.calls.append("status")
        return {**obj, "status": status}

    async def create_event(self, obj: Manifest, event: Any, now: str) -> None:
        self.calls.append(f"event {event.reason}")

    async def apply(self, manifest: Manifest) -> Manifest:
        self.calls.append(f"apply {manifest['kind']}")
        return manifest

    async def delete(self, reference: ObjectReference) -> None:
        self.calls.append(f"delete {reference.name}")
        raise NotFound("not found", 404)


async def test_the_status_is_written_first_and_the_store_holds_what_was_written() -> None:
    found = reconciler(Conflict(""))
    found.api = api = RecordingApi()
    reference = ObjectReference(api_version="v1", kind="Pod", namespace="ns", name="p")
    plan = Plan(
        status=JobStatus(stage="Training"),
        events=(Event(type="Normal", reason="R", message="m"),),
        apply=({"kind": "Service"},),
        delete=(reference,),
        requeue_after=timedelta(seconds=3),
    )
    assert await found.execute(found.store.jobs["ns", "j"], plan) == 3
    assert api.calls == ["status", "event R", "apply Service", "delete p"]
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Training"


async def test_a_tenant_namespace_that_does_not_exist_is_recorded() -> None:
    found = reconciler(NotFound("namespaces not found", 404))
    cluster = found.store.clusters["default"]
    await found.apply(cluster, {"metadata": {"namespace": "gone"}})
    assert found.store.absent_namespaces == {"gone"}


async def test_an_object_that_was_deleted_in_between_leaves_the_store() -> None:
    found = reconciler(NotFound("not found", 404))
    await found.execute(found.store.clusters["default"], Plan(status=JobStatus()))
    assert found.store.clusters == {}
