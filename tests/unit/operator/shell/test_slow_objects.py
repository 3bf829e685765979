"""Which pods and claims of a job are slow."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.names import JOB_KIND, JOB_LABEL
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.slow_objects import slow_objects, unbound_claims
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.warning_events import SlowObject
from llmtrain_operator.shell.work_queue import WorkQueue
from unit.operator.builders import NOW, ago

KEY = ("ns", "j")


def pod(node: str = "", claim: str = "data", **status: Any) -> Manifest:
    owner = {"kind": JOB_KIND, "name": "j", "uid": "u", "controller": True}
    metadata = {"name": "p", "namespace": "ns", "uid": "pod", "labels": {JOB_LABEL: "j"}, "ownerReferences": [owner]}
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "v", "persistentVolumeClaim": {"claimName": claim}}]
    spec = {"nodeName": node, "volumes": volumes, "containers": [{"name": "worker"}]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending", **status}}


def claim(phase: str = "Pending", created: str = ago(20)) -> Manifest:
    metadata = {"name": "data", "namespace": "ns", "uid": "claim", "creationTimestamp": created}
    return {"metadata": metadata, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("the_pod", "the_claim", "expected"),
    [
        pytest.param(pod(), claim(), ["claim"], id="a claim that a pod waits for"),
        pytest.param(pod(), claim(created=ago(14)), [], id="a claim that is new"),
        pytest.param(pod(), claim(created="soon"), [], id="a claim of an unknown age"),
        pytest.param(pod(), claim("Bound"), [], id="a claim that is bound"),
        pytest.param(pod(claim="other"), claim(), [], id="a claim that no pod needs"),
        pytest.param(pod("n", startTime=ago(20)), claim(), ["pod"], id="a pod that its node does not start"),
        pytest.param(pod("n", startTime=ago(14)), claim(), [], id="a pod that its node has just accepted"),
        pytest.param(pod("n"), claim(), [], id="a pod that its kubelet has not seen"),
        pytest.param(pod("n", startTime=ago(20), phase="Running"), claim(), [], id="a pod that runs"),
    ],
)
async def test_slow_objects(the_pod: Manifest, the_claim: Manifest, expected: list[str]) -> None:
    store = Store(WorkQueue())
    store.pod_changed("upsert", the_pod)
    store.claim_changed("upsert", the_claim)
    assert slow_objects(store, KEY, "u", NOW) == tuple(SlowObject("ns", uid) for uid in expected)


async def test_a_claim_is_unbound_at_once_for_the_snapshot() -> None:
    store = Store(WorkQueue())
    store.pod_changed("upsert", pod())
    store.claim_changed("upsert", claim(created=format_rfc3339(NOW + timedelta(seconds=9))))
    assert list(unbound_claims(store, KEY, "u")) == ["data"]
    assert unbound_claims(store, KEY, "of another job") == {}
