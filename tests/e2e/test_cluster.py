"""LLMCluster: inventory of its pools, claims of its tenants."""

from collections.abc import Iterator

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, Manifest, condition

pytestmark = pytest.mark.serial
NAME, TENANT = "e2e-offer", "e2e-tenant"


@pytest.fixture(scope="module")
def offer(kube: Kube) -> Iterator[None]:
    """An LLMCluster with a tenant."""
    kube.run("create", "namespace", TENANT)
    kube.apply(
        {
            "apiVersion": "llmtrain.dev/v1alpha1",
            "kind": "LLMCluster",
            "metadata": {"name": NAME},
            "spec": {
                "computePools": [
                    {"name": "all", "nodes": 2, "gpusPerNode": 8},
                    {"name": "more", "nodeSelector": {"no": "such-label"}, "nodes": 1},
                ],
                "storagePools": [{"name": "corpora", "size": "1Gi"}],
                "tenants": [{"namespace": TENANT}, {"namespace": "e2e-not-there"}],
            },
        }
    )
    yield
    kube.run("delete", "llmc", NAME)
    kube.run("delete", "namespace", TENANT, "--wait=false")


def status(kube: Kube) -> Manifest:
    found: Manifest = (kube.get("llmc", NAME) or {}).get("status") or {}
    return found


@pytest.mark.usefixtures("offer")
def test_inventory_and_claims(kube: Kube) -> None:
    seen = kube.wait("the inventory is taken", lambda: (s := status(kube)).get("gpusCapacity") == 16 and s)
    pools = {pool["name"]: pool for pool in seen["pools"]}
    assert (pools["all"]["nodesReady"], pools["all"]["gpusCapacity"]) == (2, 16)
    assert (pools["more"]["nodesExpected"], pools["more"]["nodesReady"]) == (1, 0)
    assert condition(seen, "Ready")["reason"] == "NodesMissing"
    assert "pool more has 0 of 1 nodes" in condition(seen, "Ready")["message"]
    tenant = Kube(environment=kube.environment, namespace=TENANT)
    kube.wait("the tenant has its claim", lambda: tenant.get("pvc", "corpora"))
    kube.wait(
        "the missing namespace is named",
        lambda: {c["namespace"]: c["phase"] for c in status(kube)["claims"]}.get("e2e-not-there") == "Missing",
    )
    cordoned = "llmtrain-worker"
    kube.run("cordon", cordoned)
    try:
        kube.wait(
            "the cordoned node is named",
            lambda: [line for line in status(kube)["pools"][0].get("notReady", ()) if cordoned in line],
        )
    finally:
        kube.run("uncordon", cordoned)
    kube.wait("it is back", lambda: status(kube)["nodesReady"] == 2)


@pytest.mark.usefixtures("offer")
def test_only_tenants_are_admitted(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, cluster=NAME))
    kube.wait(
        "it is rejected", lambda: condition(kube.status(new_job), "Scheduled").get("reason") == "NamespaceNotTenant"
    )
    assert not kube.pods(new_job)


def test_all_pods_of_a_job_run_on_the_reserved_nodes_of_its_pool(kube: Kube, new_job: str) -> None:
    node, name = "llmtrain-worker", "e2e-reserved"
    pool = {
        "name": "reserved",
        "nodeSelector": {"e2e-pool": "reserved"},
        "tolerations": [{"key": "e2e-pool", "operator": "Exists"}],
        "nodes": 1,
        "expect": {"allocatable": {"example.com/adapter": "1"}},
    }
    storage = [{"name": "datasets"}, {"name": "checkpoints", "purpose": "checkpoints"}]
    kube.run("label", "node", node, "e2e-pool=reserved")
    kube.run("taint", "node", node, "e2e-pool=reserved:NoSchedule")
    try:
        kube.apply(
            {
                "apiVersion": "llmtrain.dev/v1alpha1",
                "kind": "LLMCluster",
                "metadata": {"name": name},
                "spec": {"computePools": [pool], "storagePools": storage},
            }
        )
        lacking = kube.wait(
            "what the node lacks is named",
            lambda: ((kube.get("llmc", name) or {}).get("status") or {}).get("pools", [{}])[0].get("lacking"),
        )
        assert lacking == [f"{node}: example.com/adapter 0 of 1"]
        kube.apply(job(new_job, cluster=name, steps=ENDLESS))
        kube.wait_for_step(new_job, 1)
        assert kube.status(new_job)["pool"] == "reserved"
        pods = kube.pods(new_job)
        assert {pod["metadata"]["labels"]["llmtrain.dev/role"] for pod in pods} >= {"coordinator", "worker"}
        assert {pod["spec"]["nodeName"] for pod in pods} == {node}
    finally:
        kube.delete_job(new_job)
        kube.run("delete", "llmc", name, "--ignore-not-found")
        kube.run("taint", "node", node, "e2e-pool-")
        kube.run("label", "node", node, "e2e-pool-")
