"""Observe, plan, execute: brings one job or LLMCluster closer to its spec."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import aiohttp
from pydantic import ValidationError

from llmtrain_api.events import OperatorEvent
from llmtrain_api.names import JOB_KIND
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.cluster import plan_cluster
from llmtrain_operator.core.job import plan_job, rejected
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import Event, ObjectReference, Plan
from llmtrain_operator.core.snapshot import Images
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import ApiError, Conflict, NotFound, RequestRejected
from llmtrain_operator.shell.metrics import count_reconcile
from llmtrain_operator.shell.observe import observe_cluster, observe_job
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue

REJECTED_RETRY_SECONDS = 15.0
"""How long to wait after the API server rejected an object of a job."""
Result = Literal["done", "conflict", "rejected", "failed"]
"""Result of a reconciliation: `rejected` if the API server rejected a request, `failed` if it did not answer."""
log = logging.getLogger(__name__)


class Reconciler:
    """Reconciles the keys of the queue."""

    def __init__(self, *, api: Api, store: Store, queue: WorkQueue, images: Images, gang: bool) -> None:
        self.api, self.store, self.queue = api, store, queue
        self.images, self.gang = images, gang

    async def work(self, session: aiohttp.ClientSession) -> None:
        """Reconcile one key after the other, forever."""
        while True:
            key = await self.queue.take()
            started = time.monotonic()
            result = await self.attempt(key, session)
            count_reconcile(key.kind, result, time.monotonic() - started)

    async def attempt(self, key: Key, session: aiohttp.ClientSession) -> Result:
        """Reconcile one key and return it to the queue; return the result."""
        try:
            result, requeue_after_seconds = await self.reconcile(key, session)
            self.queue.done(key, requeue_after_seconds)
            return result
        except Conflict:
            self.queue.failed(key)
            return "conflict"
        except ApiError as error:
            log.warning(OperatorEvent.RECONCILE_FAILED, extra=log_fields(key, error.message))
            self.queue.failed(key, error.retry_after_seconds)
            return "rejected" if isinstance(error, RequestRejected) else "failed"
        except ValidationError as error:
            log.error(OperatorEvent.VERSION_UNKNOWN, extra=log_fields(key, str(error)))
            self.queue.failed(key)
            return "failed"
        except Exception:
            log.exception(OperatorEvent.RECONCILE_FAILED, extra=log_fields(key, "unexpected error"))
            self.queue.failed(key)
            return "failed"

    async def reconcile(self, key: Key, session: aiohttp.ClientSession) -> tuple[Result, float | None]:
        """Observe, plan and execute once; return the result, and the seconds after which to reconcile again."""
        if key.kind == "cluster":
            return "done", await self.reconcile_cluster(key)
        job_key = (key.namespace, key.name)
        snapshot = await observe_job(self.store, job_key, images=self.images, gang=self.gang, session=session)
        if snapshot is None:
            return "done", None
        manifest = self.store.jobs[job_key]
        plan = plan_job(snapshot)
        try:
            return "done", await self.execute(manifest, plan)
        except RequestRejected as error:
            log.warning(OperatorEvent.REQUEST_REJECTED, extra=log_fields(key, error.message))
            await self.execute(
                self.store.jobs.get(job_key, manifest), rejected(snapshot.job, error.message, snapshot.now)
            )
            return "rejected", REJECTED_RETRY_SECONDS

    async def reconcile_cluster(self, key: Key) -> float | None:
        """Update the inventory and claims of one LLMCluster; return the seconds after which to reconcile again."""
        snapshot = observe_cluster(self.store, key.name)
        if snapshot is None:
            return None
        self.store.absent_namespaces -= snapshot.missing_namespaces
        return await self.execute(self.store.clusters[key.name], plan_cluster(snapshot))

    async def execute(self, obj: Manifest, plan: Plan) -> float | None:
        """Write the status, then execute the rest of the plan; return the seconds after which to reconcile again."""
        if plan.status is not None:
            try:
                written = await self.api.replace_status(obj, plan.status.document())
            except NotFound:  # deleted since it was observed
                self.evict(obj)
                return None
            self.cache({**written, "apiVersion": obj["apiVersion"], "kind": obj["kind"]})
        for event in plan.events:
            await self.emit_event(obj, event)
        for manifest in plan.apply:
            await self.apply(obj, manifest)
        await asyncio.gather(*(self.delete(reference) for reference in plan.delete))
        return plan.requeue_after.total_seconds() if plan.requeue_after is not None else None

    async def apply(self, parent: Manifest, manifest: Manifest) -> None:
        """Apply one object of `parent`; a missing tenant namespace is recorded and is not an error."""
        try:
            await self.api.apply(manifest)
        except NotFound:
            if parent["kind"] == JOB_KIND:
                raise
            self.store.absent_namespaces.add(manifest["metadata"]["namespace"])

    async def delete(self, reference: ObjectReference) -> None:
        """Delete one object, if it still exists."""
        with contextlib.suppress(NotFound, Conflict):
            await self.api.delete(reference)

    async def emit_event(self, obj: Manifest, event: Event) -> None:
        """Create an event; an error is logged and otherwise ignored."""
        try:
            await self.api.create_event(obj, event, format_rfc3339(datetime.now(UTC)).split(".")[0] + "Z")
        except ApiError as error:
            fields = {"reason": event.reason, "message": error.message}
            log.warning(OperatorEvent.EVENT_FAILED, extra={"fields": fields})

    def evict(self, obj: Manifest) -> None:
        """Remove a job or LLMCluster that no longer exists from the store."""
        (self.store.job_changed if obj["kind"] == JOB_KIND else self.store.cluster_changed)("delete", obj)

    def cache(self, written: Manifest) -> None:
        """Store an object as it was just written, so that the next decision is not made on an older version."""
        written["metadata"].pop("managedFields", None)
        metadata = written["metadata"]
        if written["kind"] == JOB_KIND:
            self.store.jobs[metadata["namespace"], metadata["name"]] = written
        else:
            self.store.clusters[metadata["name"]] = written


def log_fields(key: Key, message: str) -> dict[str, Mapping[str, object]]:
    """Return the extra of a log record about one key."""
    return {"fields": {"kind": key.kind, "namespace": key.namespace, "name": key.name, "message": message}}
