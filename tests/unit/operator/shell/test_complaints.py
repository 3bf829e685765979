"""An object that cannot be read is reported once, and keeps no other from being reconciled."""

import copy
import itertools
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.fleet_metrics import fleet_samples
from llmtrain_operator.shell.observe import observe_fleet
from llmtrain_operator.shell.work_queue import Key
from unit.operator.builders import DATASET, NOW, SPEC, ago, started
from unit.operator.shell.echoing_api import EchoingApi, advance, manifest, reconcile_all, reconciler, scheduled


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        pytest.param({"spec": {**SPEC, "training": {"steps": "many"}}}, "training.steps", id="a field of another type"),
        pytest.param({"spec": None}, "JobSpec", id="no spec"),
        pytest.param({"status": {"dataset": {"id": 3}}}, "dataset.id", id="a dataset of another type"),
        pytest.param({"status": {"recoveries": None}}, "recoveries", id="a field that is null"),
        pytest.param({"status": []}, "", id="a status that is a list"),
    ],
)
async def test_a_job_that_cannot_be_read_affects_only_itself(change: dict[str, Any], cause: str) -> None:
    unreadable = {**manifest(JOB_KIND, "unreadable", SPEC, namespace="ns"), **change}
    found = await reconciler(api := EchoingApi(), unreadable, manifest(JOB_KIND, "j", SPEC, namespace="ns"))
    await reconcile_all(found)
    assert ("Pod", "ns", "j-prepare") in api.objects
    condition = scheduled(found, ("ns", "unreadable"))
    assert condition["reason"] in ("Unreadable", "Waiting")
    assert cause in condition["message"] or condition["reason"] == "Waiting"


async def test_the_fields_of_a_newer_version_are_ignored() -> None:
    newer = {**SPEC, "queue": "fast", "training": {"steps": 100, "momentum": "0.9"}}
    found = await reconciler(EchoingApi(), manifest(JOB_KIND, "j", newer, {"queued": {"position": 3}}, namespace="ns"))
    assert set(await reconcile_all(found)) == {"done"}
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Preparing"


@pytest.mark.parametrize(
    "field",
    [
        {"podCleanup": "OnFailure"},
        {"recovery": {"rules": [{"reasons": ["Evicted"], "action": "Retry"}]}},
        {"scheduling": {"gang": "Strict"}},
        {"workers": {"replicas": 2, "tolerations": [{"key": "a", "operator": "Gt"}]}},
        {"workers": {"replicas": 2, "env": [{"name": "TOKEN", "secret": {"name": "hub", "key": "token"}}]}},
    ],
    ids=str,
)
async def test_a_value_of_another_version_in_the_spec_is_reported_and_the_pods_stay(field: dict[str, Any]) -> None:
    training = started(dataset=DATASET, stage="Training", coordinatorTerm=1, workers={"desired": 2, "active": 2})
    job = manifest(JOB_KIND, "j", SPEC, training, namespace="ns")
    found = await reconciler(api := EchoingApi(), job)
    await reconcile_all(found)
    known, before = found.store.jobs["ns", "j"], set(api.objects)
    assert ("Pod", "ns", "j-worker-1") in before
    metadata = {**known["metadata"], "generation": 2, "resourceVersion": str(next(api.versions))}
    found.store.job_changed("upsert", {**known, "spec": {**SPEC, **field}, "metadata": metadata})
    await reconcile_all(found)
    condition = scheduled(found)
    assert (condition["reason"], set(api.objects)) == ("Unreadable", before)
    assert condition["message"].startswith(f"the operator cannot read this object: {next(iter(field))}")
    metadata |= {"generation": 3, "resourceVersion": str(next(api.versions))}
    repaired = {**found.store.jobs["ns", "j"], "spec": SPEC, "metadata": metadata}
    found.store.job_changed("upsert", repaired)
    await reconcile_all(found)
    assert (scheduled(found)["reason"], set(api.objects)) == ("Waiting", before)


async def test_a_value_of_a_newer_version_in_the_status_does_not_matter() -> None:
    failure = {"pod": "j-worker-0", "uid": "u", "time": ago(9), "action": "Retry"}
    status = started(dataset=DATASET, stage="Training", recoveries={"recent": [failure]}, firstFailure=failure)
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", SPEC, status, namespace="ns"))
    assert set(await reconcile_all(found)) == {"done"}
    assert ("Pod", "ns", "j-worker-1") in api.objects
    assert found.store.jobs["ns", "j"]["status"]["firstFailure"]["action"] == ""


async def test_the_reason_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    found = await reconciler(EchoingApi(), manifest(JOB_KIND, "j", {**SPEC, "training": 3}, namespace="ns"))
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await reconcile_all(found)
            advance(found, 60)
    assert [record.msg for record in caplog.records] == ["objectNotReconciled"]


async def test_an_llmcluster_that_cannot_be_read_is_not_ready_and_jobs_continue() -> None:
    found = await reconciler(api := EchoingApi(), cluster={"tenants": "all"})
    assert await found.attempt(Key("cluster", "", "default"), None) == "failed"  # type: ignore[arg-type]
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert (ready["type"], ready["reason"]) == ("Ready", "Unreadable")
    await reconcile_all(found)
    assert scheduled(found)["reason"] == "Unreadable"
    assert api.counts()["status"] == 2


async def test_a_defect_of_a_decision_affects_one_job(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [manifest(JOB_KIND, name, SPEC, namespace="ns") for name in ("broken", "j")]
    found = await reconciler(api := EchoingApi(), *jobs)
    plan = found.plan

    def fail_for_one(snapshot: Any) -> Any:
        return plan(None if snapshot.job.name == "broken" else snapshot)  # type: ignore[arg-type]

    monkeypatch.setattr(found, "plan", fail_for_one)
    await reconcile_all(found)
    assert scheduled(found, ("ns", "broken"))["reason"] == "Unreadable"
    assert ("Pod", "ns", "j-prepare") in api.objects


STATUS = started(
    dataset=DATASET,
    stage="Training",
    firstStepTime=ago(9),
    progress={"step": 1, "steps": 2, "percent": 50, "loss": "1.0"},
    checkpoint={"step": 1, "time": ago(1), "path": "x"},
    goodput={"ratio": "0.1", "until": ago(5), "seconds": {"queued": "1.0"}},
    recoveries={"count": 1, "recent": [{"pod": "p", "uid": "u", "time": ago(5)}], "times": [ago(5)]},
    conditions=[{"type": "Running", "status": "True", "reason": "R", "message": "", "lastTransitionTime": ago(3)}],
)
ABSENT = object()
GARBAGE = (ABSENT, None, "\x1b[31m\ud800", [None], {"a": None}, -1, 10**40)
IDENTITY = ("name", "namespace", "uid", "resourceVersion")


def fields(obj: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field of an object that a reconciliation reads."""
    items = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for name, value in items:
        if not path and name not in ("metadata", "spec", "status"):
            continue
        if path or name != "metadata":
            yield (*path, name)
        yield from (each for each in fields(value, (*path, name)) if each[-1] not in IDENTITY or path)


def with_garbage(obj: Any, path: tuple[Any, ...], garbage: object) -> Any:
    changed = copy.deepcopy(obj)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    if garbage is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = garbage
    return changed


async def test_no_field_of_a_job_can_raise_or_keep_another_job_waiting() -> None:
    job = manifest(JOB_KIND, "j", SPEC, STATUS, namespace="ns")
    for path, garbage in itertools.product(fields(job), GARBAGE):
        found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "other", SPEC, namespace="ns"))
        found.store.jobs["ns", "j"] = with_garbage(job, path, garbage)
        found.queue.add(Key("job", "ns", "j"))
        await reconcile_all(found)
        list(fleet_samples(observe_fleet(found.store), now=NOW))
        assert ("Pod", "ns", "other-prepare") in api.objects, f"{path} {garbage}"
