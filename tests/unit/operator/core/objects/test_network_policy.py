"""The NetworkPolicy of a job."""

from dataclasses import replace
from typing import Any

from llmtrain_api.names import COORDINATOR_PORT
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.coordinator import coordinator_pod
from llmtrain_operator.core.objects.network_policy import network_policy
from llmtrain_operator.core.objects.worker import stage_pod, worker_pod
from unit.operator.builders import DATASET, IMAGES, job, names, snapshot, started

OPERATOR: Manifest = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "llmtrain-system"}}}
PODS = (
    coordinator_pod(job(), term=1, image="operator:1", pull_policy="Always", gang=""),
    worker_pod(job(), 0, dataset="d1", image="trainer:1", pull_policy="Always", gang=""),
    stage_pod(job(), name="j-prepare", role="prepare", arguments=[], gpus=0, image="t", pull_policy="Always"),
)


def ingress(*coordinator_from: Manifest) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = network_policy(job(), coordinator_from)["spec"]["ingress"]
    return rules


def test_it_selects_every_pod_of_the_job_and_admits_them_to_each_other() -> None:
    selector = network_policy(job(), ())["spec"]["podSelector"]
    assert all(selector["matchLabels"].items() <= pod["metadata"]["labels"].items() for pod in PODS)
    assert ingress() == [{"from": [{"podSelector": selector}]}]


def test_the_peers_of_the_chart_reach_the_port_of_the_coordinator_alone() -> None:
    others = ingress(OPERATOR)[1:]
    assert others == [{"from": [OPERATOR], "ports": [{"port": COORDINATOR_PORT, "protocol": "TCP"}]}]


def test_what_pods_connect_to_is_not_restricted() -> None:
    assert network_policy(job(), ())["spec"]["policyTypes"] == ["Ingress"]


def planned(coordinator_from: tuple[Manifest, ...] | None, **live: Manifest) -> Any:
    objects = {("NetworkPolicy", name): policy for name, policy in live.items()}
    images = replace(IMAGES, coordinator_from=coordinator_from)
    return plan_job(snapshot(job(started(dataset=DATASET)), images=images, objects=objects))


def test_it_is_created_before_any_pod_and_repaired() -> None:
    assert names(planned((OPERATOR,)).apply)[0] == "NetworkPolicy j-network"
    live = network_policy(job(), (OPERATOR,))
    assert "NetworkPolicy j-network" not in names(planned((OPERATOR,), **{"j-network": live}).apply)
    opened = {**live, "spec": {**live["spec"], "ingress": [*live["spec"]["ingress"], {}]}}
    assert names(planned((OPERATOR,), **{"j-network": opened}).apply)[0] == "NetworkPolicy j-network"


def test_it_is_deleted_when_the_chart_turns_it_off() -> None:
    plan = planned(None, **{"j-network": network_policy(job(), (OPERATOR,))})
    assert [(each.kind, each.name) for each in plan.delete] == [("NetworkPolicy", "j-network")]
    assert "NetworkPolicy j-network" not in names(plan.apply)
