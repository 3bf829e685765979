"""Inventory and claims of an LLMCluster."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.cluster import ClusterSpec, ClusterStatus
from llmtrain_api.conditions import Reason
from llmtrain_operator.core.cluster import claim_status, plan_cluster
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.pools import Capacity, Inventory, PoolInventory
from llmtrain_operator.core.snapshot import ClusterSnapshot, Refusal
from unit.operator.builders import NOW

INVENTORY = Inventory(
    pools={
        "all": PoolInventory(
            capacity=Capacity(nodes=2, usable=1, as_expected=1, gpus=8, gpus_allocated=3), unusable={"b": "cordoned"}
        ),
        "big": PoolInventory(capacity=Capacity(nodes=1, usable=1, as_expected=1, gpus=8, gpus_allocated=3)),
    },
    capacity=Capacity(nodes=2, usable=1, as_expected=1, gpus=8, gpus_allocated=3),
)


def plan(spec: dict[str, Any], **fields: Any) -> Plan:
    default = {"claims": {}, "inventory": INVENTORY, "status": ClusterStatus()}
    return plan_cluster(
        ClusterSnapshot(
            now=NOW,
            name="c",
            uid="u",
            metadata_generation=1,
            spec=ClusterSpec.model_validate(spec),
            **{**default, **fields},
        )
    )


def refusal(seconds: float, message: str) -> Refusal:
    return Refusal(
        key=("PersistentVolumeClaim", "x"),
        reason=Reason.CLAIMS_REJECTED,
        message=message,
        retry_after=timedelta(seconds=seconds),
    )


def test_pools_have_an_inventory() -> None:
    pools = [
        {"name": "all", "nodes": 2, "gpusPerNode": 8},
        {"name": "big", "nodeSelector": {"kind": "big"}, "nodes": 1},
    ]
    status = plan({"computePools": pools}).status
    everything, big = status.pools
    assert (everything.nodes_ready, everything.gpus_capacity, everything.gpus_allocated) == (1, 8, 3)
    assert everything.not_ready == ["b: cordoned"]
    assert big.nodes_ready == 1
    assert (status.nodes_ready, status.gpus_capacity, status.gpus_allocated) == (1, 8, 3)
    assert status.conditions[0].status == "False"
    assert "pool all has 1 of 2 nodes and 8 of 16 GPUs; repair or uncordon nodes" in status.conditions[0].message


def test_nodes_that_lack_something_are_named_and_do_not_count_as_ready() -> None:
    lacking = {f"n{number}": "rdma/hca 4 of 8" for number in range(40)}
    pools = {"h200": PoolInventory(capacity=Capacity(nodes=41, usable=41, as_expected=1), lacking=lacking)}
    status = plan({"computePools": [{"name": "h200", "nodes": 41}]}, inventory=Inventory(pools=pools)).status
    (pool,) = status.pools
    assert pool.nodes_ready == 1
    assert (pool.lacking[0], len(pool.lacking)) == ("n0: rdma/hca 4 of 8", 32)
    assert status.conditions[0].status == "False"
    assert "(not as expected: n0: rdma/hca 4 of 8; n1: rdma/hca 4 of 8; n10" in status.conditions[0].message


def test_a_pool_without_an_inventory_has_no_nodes() -> None:
    assert plan({"computePools": [{"name": "new", "nodes": 1}]}).status.pools[0].nodes_ready == 0


def test_a_cluster_with_all_its_nodes_is_ready() -> None:
    condition = plan({"computePools": [{"name": "all", "nodes": 1}]}).status.conditions[0]
    assert (condition.status, condition.reason, condition.message) == ("True", "NodesReady", "1 nodes are ready")


def test_an_unchanged_status_is_not_written() -> None:
    first = plan({"computePools": [{"name": "all", "nodes": 1}]})
    assert plan({"computePools": [{"name": "all", "nodes": 1}]}, status=first.status).status is None


def test_each_tenant_gets_a_claim_of_each_pool_that_it_lacks() -> None:
    spec = {
        "storagePools": [{"name": "x", "size": "5Gi"}, {"name": "y"}],
        "tenants": [{"namespace": "t"}, {"namespace": "gone"}],
    }
    existing = {("t", "x"): {"status": {"phase": "Bound"}}}
    refusals = {("gone", name): refusal(20, "namespaces not found") for name in "xy"}
    result = plan(spec, claims=existing, missing_namespaces=frozenset({"gone"}), refusals=refusals)
    assert [(claim["metadata"]["namespace"], claim["metadata"]["name"]) for claim in result.apply] == [("t", "y")]
    assert [(claim.namespace, claim.name, claim.phase) for claim in result.status.claims] == [
        ("t", "x", "Bound"),
        ("t", "y", "Pending"),
        ("gone", "x", "Missing"),
        ("gone", "y", "Missing"),
    ]
    assert result.requeue_after == timedelta(seconds=20)
    assert result.status.conditions[0].reason == "NodesReady", "an absent namespace is no fault of the cluster"


def test_a_claim_in_a_missing_namespace_is_tried_again_when_it_is_due() -> None:
    spec = {"storagePools": [{"name": "x"}], "tenants": [{"namespace": "gone"}]}
    due = plan(spec, missing_namespaces=frozenset({"gone"}), refusals={("gone", "x"): refusal(0, "not found")})
    assert [claim["metadata"]["namespace"] for claim in due.apply] == ["gone"]
    assert [claim.phase for claim in due.status.claims] == ["Missing"], "it does not change to and fro"


def test_a_rejected_claim_keeps_no_other_tenant_waiting_and_makes_the_cluster_not_ready() -> None:
    spec = {"storagePools": [{"name": "x"}], "tenants": [{"namespace": name} for name in ("a", "b", "c")]}
    result = plan(spec, refusals={("a", "x"): refusal(15, "exceeded quota: storage")})
    assert [claim["metadata"]["namespace"] for claim in result.apply] == ["b", "c"]
    ready = result.status.conditions[0]
    assert (ready.status, ready.reason) == ("False", "ClaimsRejected")
    assert "rejected claim x in namespace a: exceeded quota: storage; remove what keeps" in ready.message


LABELS = {"llmtrain.dev/cluster": "c"}
SMALL = {
    "metadata": {"name": "x", "uid": "u", "labels": LABELS},
    "spec": {"resources": {"requests": {"storage": "1Gi"}}},
    "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
}
GROWN = {"storagePools": [{"name": "x", "size": "5Gi"}]}


def test_claims_in_any_namespace_grow_with_their_pool() -> None:
    result = plan(GROWN, claims={("job", "x"): SMALL})
    (patch,) = result.apply
    assert (patch["metadata"]["uid"], patch["spec"]["resources"]["requests"]["storage"]) == ("u", "5Gi")
    assert [(claim.namespace, claim.name, claim.size) for claim in result.status.claims] == [("job", "x", "1Gi")]


def test_a_claim_that_cannot_grow_is_reported_and_tried_again_later() -> None:
    words = "only dynamically provisioned pvc can be resized"
    result = plan(GROWN, claims={("job", "x"): SMALL}, refusals={("job", "x"): refusal(15, words)})
    assert result.apply == ()
    assert result.requeue_after == timedelta(seconds=15)
    ready = result.status.conditions[0]
    assert (ready.status, ready.reason) == ("False", "ExpansionRejected")
    assert f"claim x in namespace job cannot grow: {words}; set allowVolumeExpansion" in ready.message


def test_a_driver_that_fails_to_grow_a_claim_is_quoted() -> None:
    failed = {"type": "ControllerResizeError", "status": "True", "message": "no space"}
    claim = {**SMALL, "status": {"phase": "Bound", "conditions": [failed]}}
    status = plan({"storagePools": [{"name": "x", "size": "1Gi"}]}, claims={("job", "x"): claim}).status
    assert status.claims[0].message == "ControllerResizeError: no space"
    assert (status.conditions[0].status, status.conditions[0].reason) == ("False", "ExpansionRejected")


@pytest.mark.parametrize(
    ("claims", "missing", "phase"),
    [
        pytest.param({}, frozenset(), "Pending", id="a claim that does not exist yet"),
        pytest.param({("t", "x"): {}}, frozenset(), "Pending", id="a claim without a status"),
        pytest.param({("t", "x"): {"status": None}}, frozenset(), "Pending", id="a claim with an empty status"),
        pytest.param({("t", "x"): {"status": {"phase": "Lost"}}}, frozenset(), "Lost", id="the phase of the claim"),
        pytest.param({}, frozenset({"t"}), "Missing", id="a namespace that does not exist"),
    ],
)
def test_the_phase_of_a_claim(claims: dict[tuple[str, str], Any], missing: frozenset[str], phase: str) -> None:
    assert claim_status("t", "x", claims, missing).phase == phase
