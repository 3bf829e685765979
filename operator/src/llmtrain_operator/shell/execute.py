"""Executes plans: status, events, deletions, applications. What the API server answers goes into the store."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Iterable, Sequence

from llmtrain_operator.core.manifest import Manifest, ObjectKey, is_deleting, object_key, value_at
from llmtrain_operator.core.objects.drift import needs_apply
from llmtrain_operator.core.objects.ownership import is_owned
from llmtrain_operator.core.objects.token import KIND as TOKEN_KIND
from llmtrain_operator.core.plan import ObjectReference, Plan
from llmtrain_operator.core.policies.refusal import api_failure, api_rejection, name_taken, verb_of
from llmtrain_operator.core.snapshot import Verb
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.claim_memory import ClaimMemory
from llmtrain_operator.shell.errors import AlreadyExists, ApiError, Conflict, NotFound, RequestRejected, Unavailable
from llmtrain_operator.shell.event_recorder import EventRecorder
from llmtrain_operator.shell.job_memory import JobMemory
from llmtrain_operator.shell.object_index import uid_of
from llmtrain_operator.shell.refusals import RequestRefused
from llmtrain_operator.shell.relevance import owner_of, trim_pod
from llmtrain_operator.shell.store import Store

TURN = 32
"""Objects of one job that are applied before other jobs have their turn."""
log = logging.getLogger(__name__)


class Executor:
    """Executes plans against the objects that they were made from."""

    def __init__(self, api: Api, store: Store) -> None:
        self.api, self.store, self.events = api, store, EventRecorder(api)

    async def execute(self, job: Manifest, plan: Plan, memory: JobMemory) -> bool:
        """Execute the plan of `job`; return whether objects are left for its next turn.

        RequestRefused if the API server refuses a request, Conflict if an object has changed.
        """
        began = memory.clock()
        try:
            if not await self.write_status(job, plan):
                return False
        except RequestRejected as error:
            raise RequestRefused(api_rejection(object_key(job), error.message, "change")) from error
        if plan.status is not None:
            memory.status_written_at = began
        await concurrently(self.events.record(job, event) for event in plan.events)
        memory.deleted |= {reference.uid for reference in plan.delete}
        await concurrently(self.delete(reference) for reference in plan.delete)
        for manifests in rounds(plan.apply[:TURN]):
            await concurrently(self.apply(job, manifest, memory) for manifest in manifests)
        return len(plan.apply) > TURN

    async def execute_cluster(self, cluster: Manifest, plan: Plan, memory: ClaimMemory) -> list[str]:
        """Execute the plan of an LLMCluster; return why claims were refused. Each claim is tried, except in a namespace
        that proves missing."""
        if not await self.write_status(cluster, plan):
            return []
        refused: list[str] = []
        missing: set[str] = set()
        for claim in plan.apply:
            key = (claim["metadata"]["namespace"], claim["metadata"]["name"])
            try:
                if key[0] in missing:
                    raise NotFound(f"namespace {key[0]} does not exist")
                self.cache(claim, await self.apply_claim(claim))
                memory.accepted(key)
            except ApiError as error:
                if "uid" in claim["metadata"] and isinstance(error, NotFound):
                    continue  # deleted since it was observed
                if is_missing := isinstance(error, NotFound):
                    missing.add(key[0])
                is_transient = isinstance(error, Unavailable | Conflict)
                wait = error.retry_after_seconds
                memory.refused(key, error.message, is_missing=is_missing, is_transient=is_transient, retry_after=wait)
                refused.append(f"{'/'.join(key)}: {error.message}")
        return refused

    async def write_status(self, obj: Manifest, plan: Plan) -> bool:
        """Write the status of a plan, if it has one; return whether the object still exists."""
        if plan.status is None:
            return True
        try:
            self.cache(obj, await self.api.replace_status(obj, plan.status.document()))
        except NotFound:  # deleted since it was observed
            self.evict(obj)
            return False
        return True

    async def apply(self, job: Manifest, manifest: Manifest, memory: JobMemory) -> None:
        """Create one object of `job`, or change one that has a uid; RequestRefused if the API server refuses that."""
        key, verb = object_key(manifest), verb_of(manifest)
        try:
            if "uid" not in manifest["metadata"]:
                written = await self.create(job, manifest, memory)
            elif manifest["kind"] == "Pod":
                written = await self.api.merge(manifest)
            else:
                written = await self.api.apply(manifest)
        except ApiError as error:
            raise refusal_of(error, key, verb) from error
        self.cache(manifest, written)
        if "uid" in manifest["metadata"] and "metadata" in written and needs_apply(manifest, written):
            memory.undone_repairs[key] = manifest

    async def create(self, job: Manifest, manifest: Manifest, memory: JobMemory) -> Manifest:
        """Create one object of `job`, and return it; RequestRefused if its name is taken.

        A Secret cannot be read: one that exists is taken for the job's own, because its name holds the job's uid.
        """
        if manifest["kind"] == "PersistentVolumeClaim":
            return await self.create_claim(manifest)
        if manifest["kind"] == TOKEN_KIND:
            with contextlib.suppress(AlreadyExists):
                await self.api.create(manifest)
            memory.token_created = True
            return manifest
        try:
            return await self.api.create(manifest)
        except AlreadyExists:
            existing = await self.read(manifest)
            metadata = job["metadata"]
            if is_owned(existing, metadata["uid"]) and owner_of(existing) == (metadata["namespace"], metadata["name"]):
                return existing
            refusal = name_taken(existing, job=metadata["name"], uid=metadata["uid"])
            raise RequestRefused(refusal) from None

    async def apply_claim(self, claim: Manifest) -> Manifest:
        """Create a claim, or change one that has a uid, and return it."""
        return await (self.api.merge(claim) if "uid" in claim["metadata"] else self.create_claim(claim))

    async def create_claim(self, claim: Manifest) -> Manifest:
        """Create a claim, and return it. One of that name that exists is used as it is: no job owns claims."""
        try:
            return await self.api.create(claim)
        except AlreadyExists:
            return await self.read(claim)

    async def read(self, manifest: Manifest) -> Manifest:
        """Return the object that has the name of `manifest`; Conflict if it is gone again."""
        try:
            return {**await self.api.read(manifest), "kind": manifest["kind"]}
        except NotFound as error:
            raise Conflict(error.message, error.code) from error

    async def delete(self, reference: ObjectReference) -> None:
        """Delete one object, if it still exists; RequestRefused if the API server refuses that.

        That it is being deleted or gone is known without a watch event, so it is not deleted again.
        """
        try:
            answer = await self.api.delete(reference)
        except NotFound:
            answer = {}
        except Conflict:
            return  # the name belongs to another object, as a watch event will report
        except ApiError as error:
            raise refusal_of(error, (reference.kind, reference.name), "delete") from error
        known = self.store.find(reference.kind, (reference.namespace, reference.name), reference.uid)
        if known is not None:
            self.cache_deletion(known, answer)

    def evict(self, obj: Manifest) -> None:
        """Remove an object that no longer exists from the store."""
        self.store.handler(obj["kind"])("delete", obj)

    def cache(self, sent: Manifest, written: Manifest) -> None:
        """Put an object into the store as the API server returned it, so that no decision is made on an older version.

        It goes the way of watch events, which may have brought a newer version already.
        """
        metadata = {key: value for key, value in (written.get("metadata") or {}).items() if key != "managedFields"}
        if not metadata.get("uid") or not metadata.get("resourceVersion"):
            return
        obj = {**written, "apiVersion": sent["apiVersion"], "kind": sent["kind"], "metadata": metadata}
        kept = trim_pod(obj) if sent["kind"] == "Pod" else obj
        if kept is not None:
            self.store.handler(sent["kind"])("upsert", kept)

    def cache_deletion(self, known: Manifest, answer: Manifest) -> None:
        """Put what the API server answered to the deletion of a known object into the store.

        It is the object, or a Status if it is gone; then an event that is newer than what is known can still correct that.
        """
        if uid_of(answer) != uid_of(known):
            self.evict(known)
        elif is_gone(answer):
            self.evict({**known, "metadata": answer["metadata"]})
        else:
            self.cache(known, answer)


def is_gone(answer: Manifest) -> bool:
    """Return whether an object no longer exists that the API server returned when it was to be deleted."""
    has_grace_period = value_at(answer, "metadata", "deletionGracePeriodSeconds") != 0
    return not is_deleting(answer) or not (has_grace_period or value_at(answer, "metadata", "finalizers"))


def rounds(manifests: Sequence[Manifest]) -> tuple[Sequence[Manifest], ...]:
    """Return the objects to apply at once, in order: what pods need, one pod, the others only if that is not refused; changes."""
    new = [manifest for manifest in manifests if verb_of(manifest) == "create"]
    pods = [manifest for manifest in new if manifest["kind"] == "Pod"]
    changed = [manifest for manifest in manifests if verb_of(manifest) == "change"]
    return [manifest for manifest in new if manifest["kind"] != "Pod"], pods[:1], pods[1:], changed


def refusal_of(error: ApiError, key: ObjectKey, verb: Verb) -> Exception:
    """Return what an error of a request for an object of a job means: a refusal, or that the object has changed."""
    if isinstance(error, RequestRejected | NotFound):
        return RequestRefused(api_rejection(key, error.message, verb))
    if isinstance(error, Conflict) and (verb != "create" or error.code != 409):
        return error
    return RequestRefused(api_failure(key, error.message, verb, retry_after=error.retry_after_seconds))


async def concurrently(requests: Iterable[Awaitable[None]]) -> None:
    """Wait for all requests, then raise all refusals together: of creations the first one; or else the first error."""
    results = await asyncio.gather(*requests, return_exceptions=True)
    refusals = [refusal for result in results if isinstance(result, RequestRefused) for refusal in result.refusals]
    if refusals:
        raise RequestRefused(refusals[0], *(refusal for refusal in refusals[1:] if refusal.verb != "create"))
    for result in results:
        if isinstance(result, BaseException):
            raise result
