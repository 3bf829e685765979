"""Admission: each blocker names the field and the remedy."""

from typing import Any

import pytest

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import Reason
from llmtrain_operator.core.policies.admission import Blocker, first_blocker, waiting_stage
from llmtrain_operator.core.pools import Capacity
from llmtrain_operator.core.snapshot import Job
from unit.operator.builders import CLUSTER, job

OTHER_TENANT = ClusterSpec.model_validate({**CLUSTER.document(), "tenants": [{"namespace": "other"}]})
GROWING = ClusterSpec.model_validate(
    {
        **CLUSTER.document(),
        "computePools": [
            {"name": "fixed", "nodeSelector": {"kind": "fixed"}},
            {"name": "spot", "nodeSelector": {"kind": "spot"}, "maxNodes": 1, "gpusPerNode": 8},
        ],
    }
)
UNKNOWN_VOLUME = job(checkpoint={"volume": "attic"})
SIXTEEN_GPUS = job(workers={"replicas": 2, "gpus": 8}, training={"steps": 1, "microbatches": 16})


def blocker(the_job: Job, cluster: ClusterSpec | None = CLUSTER, **fields: Any) -> Blocker | None:
    return first_blocker(the_job, cluster, **{"clusters": ("default",), "claims": (), "capacities": {}, **fields})


@pytest.mark.parametrize(
    ("found", "reason", "texts"),
    [
        pytest.param(
            blocker(job(), None, clusters=("a", "b")),
            Reason.CLUSTER_NOT_FOUND,
            ["spec.cluster", "existing: a, b"],
            id="the cluster does not exist",
        ),
        pytest.param(
            blocker(job(), None, clusters=()),
            Reason.CLUSTER_NOT_FOUND,
            ["no LLMCluster exists"],
            id="no cluster exists",
        ),
        pytest.param(
            blocker(job(), None, clusters=("a", "default")),
            Reason.UNREADABLE,
            ["spec.cluster", "cannot read LLMCluster 'default'", "condition Ready"],
            id="the cluster cannot be read",
        ),
        pytest.param(
            blocker(job(), OTHER_TENANT),
            Reason.NAMESPACE_NOT_TENANT,
            ["'ns'", "spec.tenants"],
            id="the namespace is not a tenant",
        ),
        pytest.param(
            blocker(UNKNOWN_VOLUME),
            Reason.VOLUME_NOT_FOUND,
            ["spec.checkpoint.volume", "'attic'", "datasets, checkpoints"],
            id="a volume is neither a claim nor a storage pool",
        ),
        pytest.param(
            blocker(SIXTEEN_GPUS, GROWING, capacities={"fixed": Capacity(gpus=15)}),
            Reason.INSUFFICIENT_GPUS,
            ["need 16 GPUs", "pool fixed can have 15, pool spot can have 8", "maxNodes"],
            id="more GPUs than any pool can have",
        ),
        pytest.param(
            blocker(SIXTEEN_GPUS),
            Reason.INSUFFICIENT_GPUS,
            ["need 16 GPUs", "LLMCluster 'default' has no compute pool"],
            id="GPUs of an LLMCluster without compute pools",
        ),
        pytest.param(
            blocker(job(workers={"pools": ["spot", "h300"]}), GROWING),
            Reason.POOL_NOT_FOUND,
            ["spec.workers.pools", "'h300'", "fixed, spot", "correct the name"],
            id="a compute pool that does not exist",
        ),
        pytest.param(
            blocker(job(workers={"pools": ["spot"], "nodeSelector": {"kind": "fixed"}}), GROWING),
            Reason.POOL_NOT_FOUND,
            ["spec.workers.nodeSelector", "remove the labels"],
            id="labels that no node of its pools has",
        ),
    ],
)
def test_a_blocker_names_the_field_and_the_remedy(found: Blocker, reason: Reason, texts: list[str]) -> None:
    assert found.reason == reason
    assert [text for text in texts if text not in found.message] == []


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(blocker(job()), id="cluster, tenancy and volumes are right"),
        pytest.param(blocker(UNKNOWN_VOLUME, claims=("attic",)), id="the volume is a claim of the namespace"),
        pytest.param(blocker(SIXTEEN_GPUS, GROWING, capacities={"fixed": Capacity(gpus=16)}), id="exactly enough GPUs"),
        pytest.param(
            blocker(job(workers={"gpus": 8}, training={"steps": 1}), GROWING), id="GPUs that an autoscaler can add"
        ),
    ],
)
def test_a_job_can_start(found: Blocker | None) -> None:
    assert found is None


def test_a_job_that_waits_is_neither_scheduled_nor_running() -> None:
    stage = waiting_stage(Blocker(reason=Reason.INSUFFICIENT_GPUS, message="why"))
    assert stage.stage == "Waiting"
    found = [(condition.type, condition.status, condition.message) for condition in stage.conditions]
    assert found == [("Scheduled", False, "why"), ("Running", False, "why")]
