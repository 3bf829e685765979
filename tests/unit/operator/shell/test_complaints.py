"""An object that cannot be read is reported once, and keeps no other from being reconciled."""

import logging
from typing import Any

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.shell.work_queue import Key
from unit.operator.builders import SPEC
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
    assert scheduled(found)["reason"] == "ClusterNotFound"
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
