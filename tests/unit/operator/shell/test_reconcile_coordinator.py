"""A job is reconciled with the answers of its coordinator, which is asked in a task of its own."""

import itertools
from typing import Any

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.reconcile import Reconciler
from unit.operator.builders import coordinator_status, progress
from unit.operator.shell.echoing_api import (
    PROGRAM,
    EchoingApi,
    manifest,
    reconcile_all,
    reconciler,
)


async def with_coordinator(monkeypatch: pytest.MonkeyPatch) -> tuple[Reconciler, list[Any]]:
    """Return a reconciler of a job whose coordinator runs, and the actions to take while it is asked."""
    found = await reconciler(api := EchoingApi(), manifest(JOB_KIND, "j", PROGRAM, namespace="ns"))
    found.api_server = api  # type: ignore[attr-defined]

    def run_coordinator(obj: Manifest) -> None:
        if obj["kind"] == "Pod" and obj["metadata"]["name"] == "j-coordinator":
            obj["status"] = {"phase": "Running", "podIP": "10.0.0.9"}

    api.mutate = run_coordinator
    answers: list[Any] = []

    async def sync_workers(*_: Any) -> Any:
        if answers:
            answers.pop(0)()
        return coordinator_status()

    monkeypatch.setattr("llmtrain_operator.shell.coordinator_poller.sync_workers", sync_workers)
    return found, answers


async def asked(found: Reconciler) -> None:
    """Let the poller ask now what it would ask later, and wait for the answer."""
    poll = found.poller.polls["ns", "j"]
    assert poll.timer is not None
    poll.timer.cancel()
    found.poller.start(("ns", "j"), None)  # type: ignore[arg-type]
    assert poll.task is not None
    await poll.task


async def test_a_job_that_is_deleted_while_its_coordinator_is_asked_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, answers = await with_coordinator(monkeypatch)
    job = found.store.jobs["ns", "j"]
    answers.append(lambda: found.store.job_changed("delete", job))
    await reconcile_all(found)
    await asked(found)
    assert "failed" not in await reconcile_all(found)
    assert found.poller.polls == {}


async def test_a_coordinator_is_asked_in_a_task_of_its_own_whose_answer_wakes_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, _ = await with_coordinator(monkeypatch)
    await reconcile_all(found)
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Starting"
    await asked(found)
    assert len(found.queue) == 1
    await reconcile_all(found)
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Training"


async def test_the_coordinator_is_asked_once_more_before_the_job_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = await with_coordinator(monkeypatch)
    steps = itertools.count(97)

    async def sync_workers(*_: Any) -> Any:
        figures = progress(step=next(steps)).model_dump()
        return coordinator_status(progress=figures, first_step_time="2026-11-23T12:00:00.000Z")

    monkeypatch.setattr("llmtrain_operator.shell.coordinator_poller.sync_workers", sync_workers)
    await reconcile_all(found)
    for _ in range(2):
        await asked(found)
        await reconcile_all(found)
    await asked(found)
    assert not len(found.queue), "new figures wait"
    api = found.api_server  # type: ignore[attr-defined]
    for worker in ("j-worker-0", "j-worker-1"):
        live = api.objects["Pod", "ns", worker]
        metadata = {**live["metadata"], "resourceVersion": str(next(api.versions))}
        found.store.pod_changed("upsert", {**live, "metadata": metadata, "status": {"phase": "Succeeded"}})
    await reconcile_all(found)
    assert found.store.jobs["ns", "j"]["status"]["stage"] == "Training"
    await asked(found)
    await reconcile_all(found)
    status = found.store.jobs["ns", "j"]["status"]
    assert (status["stage"], status["progress"]["step"]) == ("Succeeded", 100)
    assert not [name for kind, _, name in api.objects if kind == "Pod"]


async def test_a_job_whose_steps_are_faster_than_the_polls_is_written_every_30_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, _ = await with_coordinator(monkeypatch)
    steps = itertools.count(1)

    async def sync_workers(*_: Any) -> Any:
        figures = progress(step=next(steps), steps=10**6).model_dump()
        return coordinator_status(progress=figures, first_step_time="2026-11-23T12:00:00.000Z")

    monkeypatch.setattr("llmtrain_operator.shell.coordinator_poller.sync_workers", sync_workers)
    await reconcile_all(found)
    for _ in range(3):
        await asked(found)
        await reconcile_all(found)
    calls = found.api_server.calls  # type: ignore[attr-defined]
    before = len(calls)
    for _ in range(60):
        found.now += 5  # type: ignore[attr-defined]
        await asked(found)
        await reconcile_all(found)
    assert calls[before:] == [f"status {JOB_KIND} j"] * 10, "in 300 seconds"
