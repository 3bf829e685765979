"""Whether the workers of a job must share a node because of its volumes."""

from typing import Any

import pytest

from llmtrain_api.cluster import ClusterSpec
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.volume_access import needs_one_node
from unit.operator.builders import CLUSTER, DATASET, job, snapshot, started

ONCE = ClusterSpec.model_validate(
    {"storagePools": [{"name": "datasets"}, {"name": "checkpoints", "accessMode": "ReadWriteOnce"}]}
)


def claim(*modes: str) -> dict[str, Any]:
    return {"spec": {"accessModes": list(modes)}}


@pytest.mark.parametrize(
    ("cluster", "claims", "expected"),
    [
        pytest.param(CLUSTER, {}, False, id="storage pools for many nodes"),
        pytest.param(ONCE, {}, True, id="a storage pool for one node"),
        pytest.param(ONCE, {"checkpoints": claim("ReadWriteMany")}, False, id="a claim that is not like its pool"),
        pytest.param(CLUSTER, {"datasets": claim("ReadWriteOnce")}, True, id="a claim for one node"),
        pytest.param(CLUSTER, {"datasets": claim("ReadWriteOnce", "ReadWriteMany")}, False, id="a claim for both"),
        pytest.param(CLUSTER, {"datasets": claim("ReadOnlyMany")}, False, id="a claim that many nodes can read"),
        pytest.param(CLUSTER, {"foreign": claim("ReadWriteOnce")}, False, id="a claim that the job does not use"),
        pytest.param(None, {"datasets": {"spec": {"accessModes": 3}}}, False, id="nothing that can be read"),
    ],
)
def test_workers_must_share_a_node(cluster: ClusterSpec | None, claims: dict[str, Any], expected: bool) -> None:
    assert needs_one_node(job().spec, cluster, claims) is expected


def test_workers_with_a_volume_of_one_node_are_not_spread() -> None:
    claims = {"datasets": {"spec": {"accessModes": ["ReadWriteOnce"]}}}
    plan = plan_job(snapshot(job(started(dataset=DATASET)), claims=claims))
    workers = [manifest["spec"] for manifest in plan.apply if "worker" in manifest["metadata"]["name"]]
    assert len(workers) == 2
    assert all("podAffinity" in spec["affinity"] for spec in workers)
