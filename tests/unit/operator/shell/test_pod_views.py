"""Each version of a pod is looked at once."""

from typing import Any
from unittest.mock import Mock

import pytest

from llmtrain_api.names import JOB_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.shell import pod_views
from llmtrain_operator.shell.pod_views import PodViews
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue


def pod(phase: str = "Running") -> dict[str, Any]:
    return {"metadata": {"name": "j-worker-0", "namespace": "ns", "uid": "u"}, "status": {"phase": phase}}


def test_the_view_of_a_version_is_made_once() -> None:
    views, running = PodViews(), pod()
    assert views.of(running) == PodView.of(running)
    assert views.of(running) is views.of(running)


def test_another_version_has_another_view() -> None:
    views = PodViews()
    assert views.of(pod()).phase == "Running"
    assert views.of(pod("Failed")).phase == "Failed"
    assert len(views.views) == 1


def test_versions_that_differ_in_nothing_that_is_read_are_alike() -> None:
    views, heartbeat = PodViews(), {**pod(), "status": {"phase": "Running", "qosClass": "Burstable"}}
    assert views.alike(pod(), heartbeat)
    assert not views.alike(pod(), pod("Failed"))


def test_a_pod_that_is_gone_is_forgotten() -> None:
    views = PodViews()
    views.of(pod())
    views.discard("u")
    views.discard("u")
    assert not views.views


async def test_the_store_looks_at_each_version_once(monkeypatch: pytest.MonkeyPatch) -> None:
    viewed: list[Manifest] = []

    def view_of(pod: Manifest) -> PodView:
        viewed.append(pod)
        return PodView.of(pod)

    monkeypatch.setattr(pod_views, "PodView", Mock(of=view_of))
    store = Store(WorkQueue())
    for number in range(1, 5):
        metadata = {**pod()["metadata"], "resourceVersion": str(number), "labels": {JOB_LABEL: "j"}}
        store.pod_changed("upsert", {**pod(), "metadata": metadata})
    assert [each["metadata"]["resourceVersion"] for each in viewed] == ["1", "2", "3", "4"]
