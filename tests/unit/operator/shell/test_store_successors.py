"""A job whose model others start from enqueues those of them that wait for it, and no other job."""

from typing import Any

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import Key, WorkQueue

SUCCESSOR, BASE = Key("job", "ns", "next"), Key("job", "ns", "base")
SUCCEEDED = [{"type": "Succeeded", "status": "True"}]


def job(
    name: str, version: str = "1", *, source: str = "", field: str = "from", namespace: str = "ns", **status: Any
) -> Manifest:
    model = {field: {"job": source}} if source else {}
    return {
        "metadata": {"namespace": namespace, "name": name, "uid": f"uid-of-{name}", "resourceVersion": version},
        "spec": {"model": model},
        "status": status,
    }


@pytest.fixture
async def store() -> Store:
    """A store with a job that waits for another one, and some that do not."""
    store = Store(WorkQueue())
    store.job_changed("upsert", job("next", source="base", stage="Waiting"))
    store.job_changed("upsert", job("other", stage="Waiting"))
    store.job_changed("upsert", job("started", source="base", stage="Training"))
    store.job_changed("upsert", job("next", source="base", stage="Waiting", namespace="elsewhere"))
    return await drained(store)


async def drained(store: Store) -> Store:
    """Return the store with an empty queue."""
    while store.queue.waiting:
        store.queue.done(await store.queue.take())
    return store


async def test_a_waiting_job_is_enqueued_when_the_other_one_appears_ends_and_is_deleted(store: Store) -> None:
    store.job_changed("upsert", job("base", stage="Training"))
    assert store.queue.waiting == {BASE, SUCCESSOR}
    await drained(store)
    store.job_changed("upsert", job("base", "2", stage="Training", progress={"step": 2}))
    assert store.queue.waiting == {BASE}
    await drained(store)
    store.job_changed("upsert", job("base", "3", stage="Succeeded", conditions=SUCCEEDED, model={"path": "p"}))
    assert store.queue.waiting == {BASE, SUCCESSOR}
    await drained(store)
    store.job_changed("delete", job("base", "4"))
    assert store.queue.waiting == {SUCCESSOR}


async def test_a_job_that_waits_for_word_vectors_is_enqueued_too(store: Store) -> None:
    store.job_changed("upsert", job("reader", source="words", field="vectors", stage="Waiting"))
    await drained(store)
    store.job_changed("upsert", job("words", stage="Training"))
    assert store.queue.waiting == {Key("job", "ns", "words"), Key("job", "ns", "reader")}


async def test_a_job_that_has_started_or_is_deleted_waits_no_more(store: Store) -> None:
    store.job_changed("upsert", job("next", "2", source="base", stage="Preparing"))
    await drained(store)
    store.job_changed("upsert", job("base", stage="Training"))
    assert store.queue.waiting == {BASE}
    store.job_changed("delete", job("next", "3", source="base", namespace="elsewhere"))
    assert store.successors.waits_for == {}


async def test_a_job_that_knows_the_place_of_its_model_waits_for_no_other(store: Store) -> None:
    store.job_changed("upsert", job("next", "2", source="base", stage="Waiting", modelSource={"path": "p"}))
    await drained(store)
    store.job_changed("upsert", job("base", stage="Training"))
    assert store.queue.waiting == {BASE}


async def test_a_job_that_waits_through_a_suspended_one_is_enqueued(store: Store) -> None:
    store.job_changed("upsert", job("paused", source="base", stage="Suspended"))
    store.job_changed("upsert", job("last", source="paused", stage="Waiting"))
    store.job_changed("upsert", job("base", source="paused", stage="Waiting"))
    await drained(store)
    store.job_changed("delete", job("base", "2"))
    assert Key("job", "ns", "last") in store.queue.waiting, "it is reconciled when the cycle has ended"


async def test_jobs_that_wait_through_others_are_enqueued_once_also_in_a_cycle(store: Store) -> None:
    store.job_changed("upsert", job("last", source="next"))
    await drained(store)
    store.job_changed("upsert", job("base", source="last"))
    assert store.queue.waiting == {BASE, SUCCESSOR, Key("job", "ns", "last")}
