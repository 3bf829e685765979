"""Observe, plan, execute: brings one job or LLMCluster closer to its spec."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import aiohttp

from llmtrain_api.events import OperatorEvent
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.cluster import plan_cluster
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.manifest import object_key
from llmtrain_operator.core.node_view import NodeView
from llmtrain_operator.core.plan import Plan, earliest
from llmtrain_operator.core.policies.refusal import is_due
from llmtrain_operator.core.snapshot import Images, JobSnapshot
from llmtrain_operator.core.unreadable import cause_of
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.claim_memory import ClaimMemory
from llmtrain_operator.shell.complaints import Complaints, UnreadableObject
from llmtrain_operator.shell.coordinator_poller import CoordinatorPoller
from llmtrain_operator.shell.errors import ApiError, Conflict, RequestRejected
from llmtrain_operator.shell.execute import Executor
from llmtrain_operator.shell.job_memory import JobMemory
from llmtrain_operator.shell.metrics import count_reconcile
from llmtrain_operator.shell.object_index import uid_of
from llmtrain_operator.shell.observe import (
    ObservedJob,
    fetch_nodes,
    is_at_rest,
    observe_cluster,
    observe_coordinator,
    observe_job,
    unknown_nodes,
)
from llmtrain_operator.shell.placed_jobs import PlacedJob
from llmtrain_operator.shell.refusals import RequestRefused
from llmtrain_operator.shell.retry_pace import RetryPace
from llmtrain_operator.shell.slow_objects import slow_objects
from llmtrain_operator.shell.store import JobKey, Store
from llmtrain_operator.shell.token_keys import TokenKeys
from llmtrain_operator.shell.warning_events import WarningEvents
from llmtrain_operator.shell.work_queue import Key, WorkQueue

Result = Literal["done", "conflict", "rejected", "failed"]
"""Result of a reconciliation: `rejected` if the API server rejected a request, `failed` if it did not answer."""
log = logging.getLogger(__name__)


class Reconciler:
    """Reconciles the keys of the queue."""

    def __init__(
        self,
        *,
        api: Api,
        store: Store,
        queue: WorkQueue,
        images: Images,
        keys: TokenKeys,
        gang: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.api, self.store, self.queue = api, store, queue
        self.images, self.keys, self.gang, self.clock = images, keys, gang, clock
        self.executor = Executor(api, store)
        self.poller = CoordinatorPoller(
            lambda key: observe_coordinator(self.store, key),
            keys.tokens,
            lambda key: self.queue.add(Key("job", *key)),
            clock,
        )
        self.pace = RetryPace(clock)
        self.memories: dict[JobKey, JobMemory] = {}
        self.claims: dict[str, ClaimMemory] = {}
        """Refusals of claims, by LLMCluster."""
        self.complaints = Complaints(self.executor)
        self.warnings = WarningEvents(api)

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
            self.complaints.discard(key)
            self.queue.done(key, requeue_after_seconds)
            return result
        except Conflict:
            self.queue.failed(key)
            return "conflict"
        except ApiError as error:
            log.warning(OperatorEvent.RECONCILE_FAILED, extra=log_fields(key, error.message))
            self.queue.failed(key, error.retry_after_seconds)
            return "rejected" if isinstance(error, RequestRejected) else "failed"
        except UnreadableObject as error:
            is_job = key.kind == "job"
            manifest = self.store.jobs.get((key.namespace, key.name)) if is_job else self.store.clusters.get(key.name)
            await self.complaints.publish(key, manifest, error)
            self.queue.failed(key)
            return "failed"
        except Exception:
            log.exception(OperatorEvent.RECONCILE_FAILED, extra=log_fields(key, "unexpected error"))
            self.queue.failed(key)
            return "failed"

    async def reconcile(self, key: Key, session: aiohttp.ClientSession) -> tuple[Result, float | None]:
        """Observe, plan and execute once; return the result, and the seconds after which to reconcile again."""
        if key.kind == "cluster":
            return await self.reconcile_cluster(key)
        return await self.reconcile_job(key, session)

    async def reconcile_job(self, key: Key, session: aiohttp.ClientSession) -> tuple[Result, float | None]:
        """Bring a job closer to its spec. While a coordinator runs, its next answer enqueues the job again."""
        job_key = (key.namespace, key.name)
        if is_at_rest(self.store, job_key):
            self.discard(key)
            return "done", None
        fetched_nodes = await fetch_nodes(self.api, unknown_nodes(self.store, job_key))
        if (manifest := self.store.jobs.get(job_key)) is not None:
            now = datetime.now(UTC)
            await self.warnings.refresh(slow_objects(self.store, job_key, uid_of(manifest), now), now)
        observed, asks = self.observe(key, session, fetched_nodes)
        if observed is None:
            return "done", None
        manifest, snapshot, facts = observed
        memory = self.memory_of(job_key, snapshot.job.uid)
        own = next((refusal for refusal in snapshot.refusals if refusal.key == object_key(manifest)), None)
        if own is not None and not is_due(own):  # its status was refused
            return "rejected", seconds_of(own.retry_after)
        plan = self.plan(snapshot)
        if isinstance(plan.status, JobStatus) and plan.status.pool and plan.status.finish_time is None:
            # at once, and not when it is written: other jobs are placed at the same time
            self.store.placed_jobs.put(job_key, PlacedJob.in_pool(snapshot.job, plan.status.pool))
        growths = self.store.namespace_index.growths
        before = growths[key.namespace]
        try:
            has_more = await self.executor.execute(manifest, plan, memory)
        except RequestRefused as error:
            log.warning(OperatorEvent.REQUEST_REJECTED, extra=log_fields(key, str(error)))
            for refusal in error.refusals:
                memory.refused(refusal, facts, waiting=len(self.store.refused))
            self.store.refused.set(key, {key.namespace})
            if growths[key.namespace] != before:
                self.store.turns.grant((key,))  # it was not refused yet when others had their turns
            self.queue.add(key)  # the refusal is part of the next snapshot
            return ("failed" if all(refusal.is_transient for refusal in error.refusals) else "rejected"), None
        memory.saw(snapshot.membership_generation, snapshot.now)
        due = {refusal.request for refusal in snapshot.refusals if is_due(refusal)}
        if memory.keep_refusals(plan.refused - due):
            if not memory.refusals:
                self.end_refusal(key)
            self.queue.add(key)
        if has_more or plan.decides:
            self.queue.add(key)  # what waits until the status is written, such as the deletion of evidence
        if asks and plan.poll_after is not None:
            self.poller.schedule(job_key, session, plan.poll_after.total_seconds())
            return "done", seconds_of(plan.requeue_after)
        self.poller.pause(job_key)
        return "done", seconds_of(earliest(plan.requeue_after, plan.poll_after))

    def observe(
        self, key: Key, session: aiohttp.ClientSession, fetched_nodes: Mapping[str, NodeView | None]
    ) -> tuple[ObservedJob | None, bool]:
        """Return a job as it is now, and whether a coordinator runs; None if there is nothing to do yet, or any more.

        A coordinator is asked at once if it was not asked since the last time, and waited for if it never was.
        `fetched_nodes` are those that the cache lacks.
        """
        job_key = (key.namespace, key.name)
        try:
            target = observe_coordinator(self.store, job_key)
            answer = self.poller.answer(job_key, target[1]) if target else None
            if target is not None and (answer is None or not answer.is_news):
                self.poller.schedule(job_key, session)
            if target is not None and answer is None:
                return None, True
            manifest = self.store.jobs.get(job_key)
            memory = self.memory_of(job_key, uid_of(manifest)) if manifest is not None else None
            observed = observe_job(
                self.store,
                job_key,
                images=self.images,
                token_of=self.keys.token,
                gang=self.gang,
                coordinator=answer.status if answer else None,
                coordinator_asked=answer is None or answer.is_fresh,
                silence=answer.silence if answer else None,
                memory=memory,
                fetched_nodes=fetched_nodes,
                warnings=self.warnings,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableObject(cause_of(error)) from error
        if observed is None:
            self.discard(key)
        return observed, target is not None

    def plan(self, snapshot: JobSnapshot) -> Plan:
        """Return what a job needs now; UnreadableObject if nothing can be decided on it."""
        try:
            return plan_job(snapshot)
        except Exception as error:
            raise UnreadableObject(cause_of(error)) from error

    def memory_of(self, key: JobKey, uid: str) -> JobMemory:
        """Return the memory of a job: an empty one for a job that is new under its name."""
        memory = self.memories.get(key)
        if memory is None or memory.uid != uid:
            memory = self.memories[key] = JobMemory(uid, self.clock, self.pace)
        return memory

    def end_refusal(self, key: Key) -> None:
        """Note that nothing of a job is refused any more: others of its namespace may have their turns."""
        if key in self.store.refused:
            self.store.refused.set(key, ())
            self.store.turns.discard(key)
            self.store.give_turns(key.namespace)

    def discard(self, key: Key) -> None:
        """Forget a job that no longer exists."""
        job_key = (key.namespace, key.name)
        self.memories.pop(job_key, None)
        self.end_refusal(key)
        self.complaints.discard(key)
        self.poller.discard(job_key)

    async def reconcile_cluster(self, key: Key) -> tuple[Result, float | None]:
        """Update the inventory and claims of one LLMCluster; a claim that is refused does not keep others waiting."""
        memory = self.claims.setdefault(key.name, ClaimMemory(self.clock, self.pace))
        try:
            observed = observe_cluster(self.store, key.name, memory)
            if observed is None:
                self.claims.pop(key.name, None)
                self.store.refused.set(key, ())
                return "done", None
            manifest, snapshot = observed
            plan = plan_cluster(snapshot)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableObject(cause_of(error)) from error
        refused = await self.executor.execute_cluster(manifest, plan, memory)
        self.store.refused.set(key, {namespace for namespace, _ in memory.refusals})
        if refused:
            log.warning(OperatorEvent.REQUEST_REJECTED, extra=log_fields(key, "; ".join(refused)[:2000]))
        if memory.changed() or refused:
            self.queue.add(key)  # refusals are part of the next snapshot, which also knows when they are due
        return ("rejected" if refused else "done"), seconds_of(plan.requeue_after)


def seconds_of(delay: timedelta | None) -> float | None:
    """Return a delay in seconds; None if there is none."""
    return None if delay is None else delay.total_seconds()


def log_fields(key: Key, message: str) -> dict[str, Mapping[str, object]]:
    """Return the extra of a log record about one key."""
    return {"fields": {"kind": key.kind, "namespace": key.namespace, "name": key.name, "message": message}}
