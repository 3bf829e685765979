"""What kopf calls when a job or a cluster changes."""

from typing import Any

import kopf
import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.shell.handlers import change_of, registry
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue


def event(type: str | None) -> Any:
    return {"type": type, "object": {"metadata": {"name": "j", "namespace": "ns", "managedFields": []}, "spec": {}}}


@pytest.mark.parametrize(
    ("type", "change"), [(None, "upsert"), ("ADDED", "upsert"), ("MODIFIED", "upsert"), ("DELETED", "delete")]
)
def test_a_watch_event_is_a_change(type: str | None, change: str) -> None:
    found, obj = change_of(event(type), JOB_KIND)
    assert found == change
    assert (obj["kind"], obj["apiVersion"]) == (JOB_KIND, "llmtrain.dev/v1alpha1")
    assert obj["metadata"] == {"name": "j", "namespace": "ns"}


async def test_kopf_gets_its_handlers() -> None:
    assert isinstance(registry(Store(WorkQueue())), kopf.OperatorRegistry)
