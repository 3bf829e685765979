"""Coordinators that run are read once for each version of job and pod."""

from typing import Any

from llmtrain_api.names import JOB_KIND, JOB_LABEL, ROLE_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.coordinator_targets import CoordinatorTargets
from unit.operator.builders import SPEC
from unit.operator.shell.echoing_api import EchoingApi, manifest, reconciler

KEY = ("ns", "j")


def coordinator(version: str, phase: str = "Running", **metadata: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "j-coordinator",
            "namespace": "ns",
            "uid": "uid-of-j-coordinator",
            "resourceVersion": version,
            "labels": {JOB_LABEL: "j", ROLE_LABEL: "coordinator"},
            "ownerReferences": [{"kind": JOB_KIND, "name": "j", "uid": "uid-of-j", "controller": True}],
            **metadata,
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "coordinator"}]},
        "status": {"phase": phase, "podIP": "10.0.0.1"},
    }


async def targets() -> CoordinatorTargets:
    api = EchoingApi()
    await reconciler(api, manifest(JOB_KIND, "j", SPEC, namespace="ns"))
    return CoordinatorTargets(api.store)


async def test_a_coordinator_is_read_again_when_its_pod_or_its_job_has_changed() -> None:
    found = await targets()
    assert found.find(KEY) is None, "none runs yet"
    found.store.pod_changed("upsert", coordinator("2"))
    first = found.find(KEY)
    assert first is not None
    assert found.find(KEY) is first
    found.store.job_changed("upsert", manifest(JOB_KIND, "j", SPEC, namespace="ns", resourceVersion="9", generation=2))
    second = found.find(KEY)
    assert second is not None
    assert (first[0].metadata_generation, second[0].metadata_generation) == (1, 2)
    found.store.pod_changed("upsert", coordinator("10", "Failed"))
    assert found.find(KEY) is None
    assert found.found == {}


async def test_a_job_that_is_discarded_is_forgotten() -> None:
    found = await targets()
    found.store.pod_changed("upsert", coordinator("2"))
    assert found.find(KEY) is not None
    found.discard(KEY)
    assert found.found == {}
