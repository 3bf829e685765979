"""Obstacles name the field and the remedy."""

from dataclasses import replace

import pytest

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.conditions import Reason
from llmtrain_operator.core.policies.admission import first_blocker
from unit.operator.builders import CLUSTER, job, observed

OTHERS_ONLY = ClusterSpec.model_validate({**CLUSTER.document(), "tenants": [{"namespace": "other"}]})
GPUS = {"workers": {"replicas": 2, "gpus": 8}, "training": {"steps": 1, "microbatches": 16}}

CASES = [
    # sentence, snapshot, reason, words of the message
    ("nothing stands in the way", observed(), None, []),
    (
        "the cluster is missing",
        observed(cluster=None, clusters=("a", "b")),
        Reason.CLUSTER_NOT_FOUND,
        ["spec.cluster", "a, b"],
    ),
    ("there is no cluster at all", observed(cluster=None, clusters=()), Reason.CLUSTER_NOT_FOUND, ["none at all"]),
    (
        "the namespace is no tenant",
        observed(cluster=OTHERS_ONLY),
        Reason.NAMESPACE_NOT_TENANT,
        ["'ns'", "spec.tenants"],
    ),
    (
        "a volume is neither claim nor pool",
        observed(job(checkpoint={"volume": "attic"})),
        Reason.VOLUME_NOT_FOUND,
        ["spec.checkpoint.volume", "'attic'", "datasets, checkpoints"],
    ),
    ("an own claim will do", replace(observed(job(checkpoint={"volume": "attic"})), claims={"attic": {}}), None, []),
    (
        "more GPUs than there are",
        observed(job(**GPUS), gpus_capacity=15),
        Reason.INSUFFICIENT_GPUS,
        ["need 16 GPUs", "has 15"],
    ),
    ("just enough GPUs", observed(job(**GPUS), gpus_capacity=16), None, []),
]


@pytest.mark.parametrize(("sentence", "snapshot", "reason", "words"), CASES, ids=[case[0] for case in CASES])
def test_obstacle(sentence, snapshot, reason, words) -> None:
    found = first_blocker(snapshot)
    assert (found.reason if found else None) == reason
    assert [word for word in words if word not in found.message] == []
