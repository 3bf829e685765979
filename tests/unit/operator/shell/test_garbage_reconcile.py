"""Whatever an object of a job contains, its reconciliation ends without a defect, and other jobs continue."""

import copy
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from llmtrain_api.events import OperatorEvent
from llmtrain_api.job import JobSpec
from llmtrain_api.names import CLUSTER_KIND, JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.work_queue import Key
from support.garbage import ABSENT, EXTREME_INSTANTS, FieldPath, places
from support.measurements import RecordMeasurement
from unit.operator.builders import DATASET, SPEC, node, started
from unit.operator.shell.echoing_api import CLUSTER_SPEC, EchoingApi, manifest, reconcile_all, reconciler

TRAINING = started(dataset=DATASET, stage="Training", coordinatorTerm=1, workers={"desired": 2, "active": 2})
VALUES = (ABSENT, None, 10**400, "", EXTREME_INSTANTS[0], "\u0663\x00\ud800\x1b[31m", [None], {"x": None})
IDENTITY = (("kind",), ("apiVersion",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid"))
"""What no client can change."""
OTHER = ("Pod", "ns", "other-prepare")


async def training(api: EchoingApi) -> Reconciler:
    """Return a reconciler of a job whose objects exist, and of another one that has not started."""
    jobs = (manifest(JOB_KIND, "j", SPEC, TRAINING, namespace="ns"), manifest(JOB_KIND, "other", SPEC, namespace="ns"))
    found = await reconciler(api, *jobs)
    found.queue.waiting.clear()
    found.queue.since.clear()
    found.queue.add(Key("job", "ns", "j"))
    await reconcile_all(found)
    return found


async def objects_of_a_job() -> list[Manifest]:
    """Return all objects of a job that trains, and what it runs on."""
    await training(api := EchoingApi())
    name = {"name": "datasets", "namespace": "ns", "uid": "c", "resourceVersion": "1"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": name, "status": {"phase": "Bound"}}
    cluster = manifest(CLUSTER_KIND, "default", CLUSTER_SPEC, {"conditions": [{"type": "Ready", "status": "True"}]})
    job = manifest(JOB_KIND, "j", SPEC, TRAINING, namespace="ns")
    others = [claim, {**node(), "apiVersion": "v1", "kind": "Node"}, cluster, job]
    return [
        *(each for (_, _, name), each in api.objects.items() if name.startswith("j-") and name != "j-worker-1"),
        *others,
    ]


def put(found: Reconciler, api: EchoingApi, kind: str, obj: Manifest) -> None:
    """Let the API server hold a version of an object, and pass it on to the store as an informer does.

    One without an identity is not passed on.
    """
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not all(isinstance(metadata.get(key), str) for key in ("name", "uid")):
        return
    obj = {**obj, "metadata": {**metadata, "resourceVersion": str(next(api.versions))}}
    if (key := (kind, "ns", metadata["name"])) in api.objects:
        api.objects[key] = copy.deepcopy(obj)
    handlers = {
        "Pod": found.store.pod_changed,
        "Node": found.store.node_changed,
        "PersistentVolumeClaim": found.store.claim_changed,
        CLUSTER_KIND: found.store.cluster_changed,
        JOB_KIND: found.store.job_changed,
    }
    handlers.get(kind, found.store.object_changed)("upsert", obj)


async def reconcile_with(good: Manifest, all_places: Iterable[FieldPath], caplog: pytest.LogCaptureFixture) -> int:
    """Reconcile a job with each bad value at each place of an object, and with the good one; return how many.

    AssertionError if a defect is logged, or another job does not start at the end.
    """
    found, cases, kind = await training(api := EchoingApi()), 0, good["kind"]
    own = () if kind in (JOB_KIND, CLUSTER_KIND) else (OperatorEvent.OBJECT_NOT_RECONCILED,)
    for place, value in itertools.product(all_places, VALUES):
        cases += 1
        for obj in (with_value(good, place, value), good):
            put(found, api, kind, obj)
            found.queue.add(Key("cluster", "", "default") if kind == CLUSTER_KIND else Key("job", "ns", "j"))
            await reconcile_all(found)
        defects = [record for record in caplog.records if record.msg in (OperatorEvent.RECONCILE_FAILED, *own)]
        assert not defects, f"{kind} {'.'.join(map(str, place))} {value!r:.60}: {defects[0].exc_info}"
        caplog.clear()
    found.queue.add(Key("job", "ns", "other"))
    await reconcile_all(found)
    assert OTHER in api.objects
    return cases


async def test_no_object_of_a_job_keeps_it_or_another_one_from_being_reconciled(
    caplog: pytest.LogCaptureFixture, record_measurement: RecordMeasurement
) -> None:
    cases = 0
    for obj in await objects_of_a_job():
        cases += await reconcile_with(obj, (place for place in places(obj) if place not in IDENTITY), caplog)
    record_measurement("garbage_cases", cases, "")


def fields_of(schema: Any, definitions: Any, *path: str, depth: int = 6) -> Iterator[FieldPath]:
    """Yield the place of every field in a JSON schema; items of lists have no places of their own."""
    for choice in (schema, *schema.get("anyOf", ())):
        target = definitions[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
        for name, field in target.get("properties", {}).items() if depth else ():
            yield (*path, name)
            yield from fields_of(field, definitions, *path, name, depth=depth - 1)


def with_value(obj: Any, place: FieldPath, value: Any) -> Any:
    """Return an object with the value at a place set, or removed; what leads there is created."""
    key, *rest = place
    if isinstance(obj, list):
        changed = with_value(obj[key], (*rest,), value) if rest else value
        return [*obj[:key], *([] if changed is ABSENT else [changed]), *obj[key + 1 :]]
    fields = obj if isinstance(obj, dict) else {}
    if not rest and value is ABSENT:
        return {name: field for name, field in fields.items() if name != key}
    return {**fields, key: with_value(fields.get(key), (*rest,), value) if rest else value}


async def test_no_field_of_a_spec_keeps_another_job_from_being_reconciled(
    caplog: pytest.LogCaptureFixture, record_measurement: RecordMeasurement
) -> None:
    schema = JobSpec.model_json_schema()
    job = manifest(JOB_KIND, "j", SPEC, TRAINING, namespace="ns")
    cases = await reconcile_with(job, fields_of(schema, schema["$defs"], "spec"), caplog)
    record_measurement("garbage_cases", cases, "")
