"""Snapshot, plan, deed: brings one job or cluster one step nearer to what its owner asked for."""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from typing import Literal

import aiohttp
from pydantic import ValidationError

from llmtrain_api.names import JOB_KIND
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.cluster import plan_cluster
from llmtrain_operator.core.job import plan_job, rejected
from llmtrain_operator.core.plan import Event, ObjectReference, Plan
from llmtrain_operator.core.snapshot import Images
from llmtrain_operator.shell.api import Api, Manifest
from llmtrain_operator.shell.errors import ApiError, Conflict, InvalidRequest, NotFound
from llmtrain_operator.shell.metrics import count_reconcile
from llmtrain_operator.shell.observe import observe_cluster, observe_job
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue

REFUSED_AGAIN_SECONDS = 15.0
Result = Literal["done", "conflict", "refused", "failed"]
"""How a reconciliation went: `refused` is one that the API server answered, and said no to."""
log = logging.getLogger(__name__)


class Reconciler:
    """Works through the queue."""

    def __init__(self, *, api: Api, store: Store, queue: WorkQueue, images: Images, gang: bool) -> None:
        self.api, self.store, self.queue = api, store, queue
        self.images, self.gang = images, gang

    async def work(self, session: aiohttp.ClientSession) -> None:
        """Reconcile one key after the other, for ever."""
        while True:
            key = await self.queue.take()
            began = time.monotonic()
            result = await self.attempt(key, session)
            count_reconcile(key.kind, result, time.monotonic() - began)

    async def attempt(self, key: Key, session: aiohttp.ClientSession) -> Result:
        """Reconcile one key and give it back to the queue; return how it went."""
        try:
            result, again_after_seconds = await self.reconcile(key, session)
            self.queue.done(key, again_after_seconds)
            return result
        except Conflict:
            self.queue.failed(key)
            return "conflict"
        except ApiError as error:
            log.warning("%s %s/%s: %s", key.kind, key.namespace, key.name, error.message)
            self.queue.failed(key, error.retry_after_seconds)
            return "refused" if isinstance(error, InvalidRequest) else "failed"
        except ValidationError as error:
            log.error("%s %s/%s is of another version: %s", key.kind, key.namespace, key.name, error)
            self.queue.failed(key)
            return "failed"
        except Exception:
            log.exception("%s %s/%s", key.kind, key.namespace, key.name)
            self.queue.failed(key)
            return "failed"

    async def reconcile(self, key: Key, session: aiohttp.ClientSession) -> tuple[Result, float | None]:
        """Do one step; return how it went, and the seconds after which to look again."""
        if key.kind == "cluster":
            return "done", await self.reconcile_cluster(key)
        job_key = (key.namespace, key.name)
        observed = await observe_job(self.store, job_key, images=self.images, gang=self.gang, session=session)
        if observed is None:
            return "done", None
        manifest = self.store.jobs[job_key]
        plan = plan_job(observed)
        try:
            return "done", await self.execute(manifest, plan)
        except InvalidRequest as error:
            log.warning("job %s/%s: refused: %s", key.namespace, key.name, error.message)
            await self.execute(self.store.jobs.get(job_key, manifest), rejected(observed, error.message))
            return "refused", REFUSED_AGAIN_SECONDS

    async def reconcile_cluster(self, key: Key) -> float | None:
        """Take stock of one LLMCluster."""
        observed = observe_cluster(self.store, key.name)
        if observed is None:
            return None
        self.store.absent_namespaces -= observed.missing_namespaces
        return await self.execute(self.store.clusters[key.name], plan_cluster(observed))

    async def execute(self, thing: Manifest, plan: Plan) -> float | None:
        """Write the status, then do what the plan says; return the seconds after which to look again."""
        if plan.status is not None:
            try:
                written = await self.api.replace_status(thing, plan.status.document())
            except NotFound:  # it went while nobody watched
                self.evict(thing)
                return None
            self.cache({**written, "apiVersion": thing["apiVersion"], "kind": thing["kind"]})
        for event in plan.events:
            await self.emit_event(thing, event)
        for manifest in plan.apply:
            await self.apply(thing, manifest)
        await asyncio.gather(*(self.delete(reference) for reference in plan.delete))
        return plan.requeue_after.total_seconds() if plan.requeue_after is not None else None

    async def apply(self, thing: Manifest, manifest: Manifest) -> None:
        """Apply one object; a tenant's namespace that isn't there is noted, not an error."""
        try:
            await self.api.apply(manifest)
        except NotFound:
            if thing["kind"] == JOB_KIND:
                raise
            self.store.absent_namespaces.add(manifest["metadata"]["namespace"])

    async def delete(self, reference: ObjectReference) -> None:
        """Delete one object, if it is still there."""
        with contextlib.suppress(NotFound, Conflict):
            await self.api.delete(reference)

    async def emit_event(self, thing: Manifest, event: Event) -> None:
        """Create an event; that it can't be is no reason to stop."""
        try:
            await self.api.create_event(thing, event, format_rfc3339(datetime.now(UTC)).split(".")[0] + "Z")
        except ApiError as error:
            log.warning("event %s: %s", event.reason, error.message)

    def evict(self, thing: Manifest) -> None:
        """Drop a job or cluster that is no longer there."""
        (self.store.job_changed if thing["kind"] == JOB_KIND else self.store.cluster_changed)("drop", thing)

    def cache(self, written: Manifest) -> None:
        """Keep what was just written, not to decide again on what was before."""
        written["metadata"].pop("managedFields", None)
        metadata = written["metadata"]
        if written["kind"] == JOB_KIND:
            self.store.jobs[metadata["namespace"], metadata["name"]] = written
        else:
            self.store.clusters[metadata["name"]] = written
