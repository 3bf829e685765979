"""An API server for tests of reconciliations: it holds objects, and echoes each write as a watch event."""

import copy
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.shell.api import Api
from llmtrain_operator.shell.errors import AlreadyExists, ApiError, Conflict, NotFound, RequestRejected
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue
from support.crd_schema import violations
from unit.operator.builders import IMAGES, KEYS, SPEC, node

CLUSTER_SPEC: dict[str, Any] = {"storagePools": [{"name": "datasets"}, {"name": "checkpoints"}]}
PROGRAM: dict[str, Any] = {**SPEC, "entrypoint": {"script": "train.py"}, "data": {"source": {"volume": "datasets"}}}
"""Spec of a job that begins with its workers."""
HOT_LOOP = 40
"""Reconciliations in a row that no test needs."""


def manifest(kind: str, name: str, spec: dict[str, Any], status: Any = None, **metadata: Any) -> Manifest:
    """Return a job or an LLMCluster as the API server returns it."""
    found = {"name": name, "uid": f"uid-of-{name}", "generation": 1, "resourceVersion": "1"}
    found |= {"creationTimestamp": "2026-11-23T12:00:00Z", **metadata}
    return {
        "apiVersion": "llmtrain.dev/v1alpha1",
        "kind": kind,
        "metadata": found,
        "spec": spec,
        **({"status": status} if status is not None else {}),
    }


class EchoingApi(Api):
    """Accepts writes, except statuses that the CRD forbids, and those for which `reject` returns an error."""

    def __init__(self) -> None:
        self.store: Store
        self.versions = itertools.count(1000)
        self.calls: list[str] = []
        """Every write, in order."""
        self.objects: dict[tuple[str, str, str], Manifest] = {}
        """Objects other than jobs and LLMClusters, by kind, namespace and name."""
        self.reject: Callable[[str, str, str], ApiError | None] = lambda verb, kind, name: None
        self.mutate: Callable[[Manifest], None] = lambda obj: None
        """What admission webhooks do with an object."""
        self.events: list[str] = []
        self.statuses: list[dict[str, Any]] = []

    def record(self, verb: str, kind: str, name: str) -> None:
        self.calls.append(f"{verb} {kind} {name}")
        if (error := self.reject(verb, kind, name)) is not None:
            raise error

    def counts(self) -> Counter[str]:
        """Return the number of writes by verb."""
        return Counter(call.split()[0] for call in self.calls)

    async def replace_status(self, obj: Manifest, status: dict[str, Any]) -> Manifest:
        metadata = obj["metadata"]
        self.record("status", obj["kind"], metadata["name"])
        is_job = obj["kind"] == JOB_KIND
        known = self.store.jobs.get((metadata["namespace"], metadata["name"])) if is_job else None
        if is_job and known is not None and known["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise Conflict("changed", 409)
        if found := set(violations(obj["kind"], "status", status)) - set(
            violations(obj["kind"], "status", obj.get("status", {}))
        ):
            raise RequestRejected(f"{obj['kind']} is invalid: {sorted(found)}", 422)
        new = {**copy.deepcopy(obj), "status": copy.deepcopy(status)}
        new["metadata"]["resourceVersion"] = str(next(self.versions))
        self.statuses.append(status)
        return new

    async def create(self, manifest: Manifest) -> Manifest:
        kind, metadata = manifest["kind"], manifest["metadata"]
        self.record("create", kind, metadata["name"])
        if (kind, metadata["namespace"], metadata["name"]) in self.objects:
            raise AlreadyExists("already exists", 409)
        live = copy.deepcopy(manifest)
        live["metadata"] |= {"uid": f"uid-of-{metadata['name']}", "resourceVersion": str(next(self.versions))}
        if kind == "Pod":
            live["status"] = {"phase": "Pending"}
        self.mutate(live)
        self.objects[kind, metadata["namespace"], metadata["name"]] = live
        return copy.deepcopy(live)

    async def read(self, manifest: Manifest) -> Manifest:
        key = (manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        if key not in self.objects:
            raise NotFound("not found", 404)
        return copy.deepcopy(self.objects[key])

    async def apply(self, manifest: Manifest) -> Manifest:
        return self.change("apply", manifest)

    async def merge(self, manifest: Manifest) -> Manifest:
        return self.change("merge", manifest)

    def change(self, verb: str, manifest: Manifest) -> Manifest:
        kind, metadata = manifest["kind"], manifest["metadata"]
        self.record(verb, kind, metadata["name"])
        live = self.objects.get((kind, metadata["namespace"], metadata["name"]))
        if live is None or live["metadata"]["uid"] != metadata["uid"]:
            raise Conflict("uid mismatch", 409)
        live["metadata"] |= {**copy.deepcopy(metadata), "resourceVersion": str(next(self.versions))}
        self.mutate(live)
        return copy.deepcopy(live)

    async def delete(self, reference: ObjectReference) -> None:
        self.record("delete", reference.kind, reference.name)
        live = self.objects.pop((reference.kind, reference.namespace, reference.name), None)
        if live is None:
            raise NotFound("not found", 404)
        (self.store.pod_changed if reference.kind == "Pod" else self.store.object_changed)("delete", live)

    async def create_event(self, obj: Manifest, event: Any, now: str) -> str:
        self.events.append(event.reason)
        return f"event-{len(self.events)}"

    async def repeat_event(self, obj: Manifest, name: str, message: str, count: int, now: str) -> None:
        pass


def reject(api: EchoingApi, error: ApiError, *verbs: str, kinds: tuple[str, ...] = ("Pod",)) -> None:
    """Let the API server refuse requests with some verbs for objects of some kinds."""
    api.reject = lambda verb, kind, name: error if verb in verbs and kind in kinds else None


async def reconciler(api: EchoingApi, *jobs: Manifest, cluster: dict[str, Any] | None = None) -> Reconciler:
    """Return a reconciler of `jobs` and one LLMCluster, whose clock stands until a test changes `now`."""
    queue = WorkQueue()
    api.store = store = Store(queue)
    store.node_changed("upsert", {**node(), "metadata": {**node()["metadata"], "resourceVersion": "1"}})
    store.cluster_changed("upsert", manifest(CLUSTER_KIND, "default", cluster or CLUSTER_SPEC))
    for job in jobs or (manifest(JOB_KIND, "j", SPEC, namespace="ns"),):
        store.job_changed("upsert", job)
    found = Reconciler(api=api, store=store, queue=queue, images=IMAGES, keys=KEYS, gang=True, clock=lambda: found.now)
    found.now = 1000.0  # type: ignore[attr-defined]
    return found


async def reconcile_all(found: Reconciler) -> list[str]:
    """Reconcile until nothing is enqueued; return the results. A hot loop fails."""
    results: list[str] = []
    while len(found.queue):
        key = await found.queue.take()
        results.append(await found.attempt(key, None))  # type: ignore[arg-type]
        assert len(results) <= HOT_LOOP, "a hot loop"
    return results


def scheduled(found: Reconciler, key: tuple[str, str] = ("ns", "j")) -> dict[str, str]:
    """Return the condition Scheduled of a job."""
    conditions = found.store.jobs[key]["status"]["conditions"]
    return next(condition for condition in conditions if condition["type"] == "Scheduled")


def advance(found: Reconciler, seconds: float) -> None:
    """Let `seconds` pass, and enqueue the job and the LLMCluster."""
    found.now += seconds  # type: ignore[attr-defined]
    found.queue.add(Key("job", "ns", "j"))
    found.queue.add(Key("cluster", "", "default"))
