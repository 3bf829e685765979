"""A job is observed with the one whose model it waits for, and with those that wait for each other."""

from typing import Any

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.observe import observe_job
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.warning_events import WarningEvents
from llmtrain_operator.shell.work_queue import WorkQueue
from unit.operator.builders import IMAGES, KEYS, SPEC

SUCCEEDED = {"conditions": [{"type": "Succeeded", "status": "True"}]}


@pytest.fixture
async def store() -> Store:
    return Store(WorkQueue())


def job(name: str, version: str = "1", *, source: str = "", **more: Any) -> Manifest:
    model = {"model": {"from": {"job": source}}, "task": {"name": "masked"}} if source else {}
    return {
        "apiVersion": "llmtrain.dev/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-of-{name}",
            "resourceVersion": version,
            "generation": int(version),
            "creationTimestamp": "2026-11-23T12:00:00Z",
            **more.pop("metadata", {}),
        },
        "spec": {**SPEC, **model},
        **more,
    }


def snapshot(store: Store) -> Any:
    api: Any = None
    found = observe_job(
        store,
        ("ns", "j"),
        images=IMAGES,
        token_of=KEYS.token,
        gang=True,
        coordinator=None,
        memory=None,
        fetched_nodes={},
        warnings=WarningEvents(api),
    )
    assert found is not None
    return found.snapshot


async def test_a_job_is_seen_with_the_one_whose_model_it_waits_for(store: Store) -> None:
    store.job_changed("upsert", job("j", source="base"))
    assert (snapshot(store).source_job, snapshot(store).source_error) == (None, "")
    store.job_changed("upsert", job("base"))
    assert (snapshot(store).source_job.name, snapshot(store).source_cycle) == ("base", ())
    store.job_changed("upsert", {**job("base", "2"), "spec": {}})
    assert snapshot(store).source_job is None
    assert snapshot(store).source_error


@pytest.mark.parametrize(
    ("others", "cycle"),
    [
        pytest.param([job("base", source="j")], ("j", "base"), id="two jobs wait for each other"),
        pytest.param(
            [job("base", source="a"), job("a", source="j")], ("j", "base", "a"), id="three jobs wait for each other"
        ),
        pytest.param([job("base", source="base")], ("base",), id="it waits for a job that names itself"),
        pytest.param([job("base", source="absent")], (), id="one of them is not there"),
        pytest.param([job("base", source="j", status=SUCCEEDED)], (), id="one of them has ended"),
        pytest.param(
            [job("base", source="j", status={"modelSource": {"volume": "v", "path": "p"}})],
            (),
            id="one of them has started from an earlier job of the name",
        ),
        pytest.param(
            [job("base", source="j", metadata={"deletionTimestamp": "2026-11-23T13:00:00Z"})],
            (),
            id="one of them is being deleted",
        ),
        pytest.param([{**job("base"), "spec": {"model": {"from": 3}}}], (), id="one of them cannot be read"),
        pytest.param([job("base", source="j") | {"metadata": {"namespace": "other"}}], (), id="another namespace"),
    ],
)
async def test_jobs_that_wait_for_each_other_are_seen(
    store: Store, others: list[Manifest], cycle: tuple[str, ...]
) -> None:
    store.job_changed("upsert", job("j", source="base"))
    for other in others:
        store.job_changed("upsert", other)
    assert snapshot(store).source_cycle == cycle


async def test_a_job_that_names_itself_is_seen(store: Store) -> None:
    store.job_changed("upsert", job("j", source="j"))
    assert snapshot(store).source_cycle == ("j",)
    store.job_changed("upsert", job("j", "2", source="j", status={"modelSource": {"volume": "v", "path": "p"}}))
    assert snapshot(store).source_cycle == ()
