"""What the stages share: conditions of their pods, claims and the run config."""

from typing import Any

import pytest

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import ROLE_LABEL
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.stage_plan import ConditionUpdate
from llmtrain_operator.core.stages.pods import pod_conditions, shared_objects
from llmtrain_operator.core.stages.prepare import prepare
from llmtrain_operator.core.stages.publish import publish
from llmtrain_operator.core.stages.train import train
from support.pod_security import restricted_violations
from unit.operator.builders import CLUSTER, DATASET, IMAGES, TOKEN, job, names, pending_pod, pod, started


def found(*pods: PodView, is_running: bool | None = None) -> tuple[ConditionUpdate, ...]:
    return pod_conditions(
        job().spec, pods, desired=2, reason=Reason.RECOVERING, message="recovers", is_running=is_running
    )


def all_pods(**spec: Any) -> dict[str, Manifest]:
    """Return every pod that the stages of a job create, by role."""
    the_job, status = job(**spec), JobStatus.model_validate(started(dataset=DATASET))
    stages = (
        prepare(the_job, status, pods=(), pull_policy="Always"),
        train(
            the_job,
            status,
            pods=(),
            coordinator=None,
            images=IMAGES,
            token=TOKEN,
            gang_available=True,
            lost_nodes=frozenset(),
        ),
        publish(the_job, status, pods=(), pull_policy="Always", lost_nodes=frozenset()),
    )
    desired = [manifest for stage in stages for manifest in stage.desired if manifest["kind"] == "Pod"]
    return {manifest["metadata"]["labels"][ROLE_LABEL]: manifest for manifest in desired}


WORKERS: dict[str, Any] = {"replicas": 2, "labels": {"team": "a"}, "annotations": {"example.com/note": "b"}}
TRAINERS = {"prepare", "worker", "publish"}
ALL_DEVICES = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}


def test_every_pod_gets_what_concerns_pods() -> None:
    spec = {
        "workers": WORKERS,
        "pullSecrets": ["registry"],
        "serviceAccount": {"name": "trainer"},
        "securityContext": {"runAsUser": 1000},
        "scheduling": {"priorityClassName": "high"},
    }
    found = all_pods(**spec)
    assert found.keys() == TRAINERS | {"coordinator"}
    for manifest in found.values():
        assert manifest["metadata"]["labels"]["team"] == "a"
        assert manifest["metadata"]["annotations"]["example.com/note"] == "b"
        assert manifest["spec"]["imagePullSecrets"] == [{"name": "registry"}]
        assert manifest["spec"]["serviceAccountName"] == "trainer"
        assert manifest["spec"]["automountServiceAccountToken"] is False
        assert manifest["spec"]["securityContext"]["runAsUser"] == 1000
        assert manifest["spec"]["priorityClassName"] == "high"


def test_every_pod_with_the_trainer_image_gets_what_concerns_programs() -> None:
    workers = {
        **WORKERS,
        "env": [{"name": "A", "secret": "s", "key": "k"}],
        "envFrom": [{"secret": "s"}],
        "mounts": [{"path": "/more", "claim": "more"}],
        "runtimeClass": "nvidia",
    }
    for role, manifest in all_pods(workers=workers, serviceAccount={"name": "t", "mountToken": True}).items():
        (container,) = manifest["spec"]["containers"]
        has_all = [
            any(variable["name"] == "A" for variable in container["env"]),
            container.get("envFrom") == [{"secretRef": {"name": "s"}}],
            any(mount["mountPath"] == "/more" for mount in container["volumeMounts"]),
            any(mount["mountPath"] == "/dev/shm" for mount in container["volumeMounts"]),
            manifest["spec"].get("runtimeClassName") == "nvidia",
            manifest["spec"]["automountServiceAccountToken"],
        ]
        assert has_all == [role in TRAINERS] * len(has_all), role


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="the default job"),
        pytest.param({"securityContext": {"assignedBy": "Cluster"}}, id="users that the cluster assigns"),
        pytest.param(
            {
                "workers": {
                    **WORKERS,
                    "gpus": 8,
                    "mounts": [{"path": "/a", "scratch": "1Gi"}, {"path": "/b", "image": "i"}],
                }
            },
            id="GPUs and mounts",
        ),
    ],
)
def test_every_pod_meets_pod_security_restricted(spec: dict[str, Any]) -> None:
    found = {role: restricted_violations(manifest) for role, manifest in all_pods(**spec).items()}
    assert found == {role: [] for role in (*TRAINERS, "coordinator")}


def test_only_workers_with_rdma_can_lock_memory() -> None:
    workers = {**WORKERS, "resources": {"extra": {"rdma/hca": "8"}}}
    found = {role: restricted_violations(manifest) for role, manifest in all_pods(workers=workers).items()}
    assert found.pop("worker") == ["capabilities IPC_LOCK"]
    assert not any(found.values())


def test_every_volume_on_the_node_has_a_size_and_counts() -> None:
    for manifest in all_pods().values():
        (container,) = manifest["spec"]["containers"]
        volumes = [volume["emptyDir"] for volume in manifest["spec"]["volumes"] if "emptyDir" in volume]
        assert volumes
        assert all("sizeLimit" in volume for volume in volumes)
        assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys()
        assert "ephemeral-storage" in container["resources"]["requests"]


def test_pods_without_gpus_see_none_whatever_the_job_says() -> None:
    found = {}
    for role, manifest in all_pods(workers={"replicas": 2, "gpus": 8, "env": [ALL_DEVICES]}).items():
        env = manifest["spec"]["containers"][0]["env"]
        found[role] = [variable["value"] for variable in env if variable["name"] == "NVIDIA_VISIBLE_DEVICES"]
    assert found == {"prepare": ["void"], "coordinator": ["void"], "worker": [], "publish": []}


def test_claims_of_storage_pools_and_the_run_config_are_created_where_they_are_missing() -> None:
    assert names(shared_objects(job(), CLUSTER, claims=(), objects=(), coordinator_from=None)) == [
        "PersistentVolumeClaim datasets",
        "PersistentVolumeClaim checkpoints",
        "ConfigMap j-run-uid-of-j",
    ]
    existing = shared_objects(
        job(),
        CLUSTER,
        claims=("datasets", "checkpoints"),
        objects=(("ConfigMap", "j-run-uid-of-j"),),
        coordinator_from=None,
    )
    assert existing == ()


def test_a_mounted_storage_pool_gets_its_claim() -> None:
    cluster = CLUSTER.model_validate(
        {"storagePools": [{"name": "datasets"}, {"name": "checkpoints"}, {"name": "models"}]}
    )
    the_job = job(
        workers={"replicas": 2, "mounts": [{"path": "/m", "claim": "models"}, {"path": "/o", "claim": "own"}]}
    )
    created = names(
        shared_objects(the_job, cluster, claims=("datasets", "checkpoints"), objects=(), coordinator_from=None)
    )
    assert created == ["PersistentVolumeClaim models", "ConfigMap j-run-uid-of-j"]


def test_one_volume_for_two_purposes_is_one_claim() -> None:
    the_job = job(checkpoint={"volume": "datasets"})
    assert names(shared_objects(the_job, CLUSTER, claims=(), objects=(), coordinator_from=None))[:-1] == [
        "PersistentVolumeClaim datasets"
    ]


def test_without_a_cluster_only_the_run_config_is_created() -> None:
    assert names(shared_objects(job(), None, claims=(), objects=(), coordinator_from=None)) == [
        "ConfigMap j-run-uid-of-j"
    ]


def test_a_cause_that_the_scheduler_reports_is_in_both_conditions() -> None:
    scheduled, running = found(pod("j-worker-0"), pending_pod("j-worker-1", unschedulable="Insufficient cpu"))
    assert (scheduled.status, scheduled.reason) == (False, Reason.UNSCHEDULABLE)
    assert (running.status, running.reason, running.message) == (False, Reason.UNSCHEDULABLE, scheduled.message)


def test_pods_without_a_node_wait() -> None:
    scheduled, running = found(pod("j-worker-0"))
    assert (scheduled.reason, scheduled.message) == (Reason.WAITING, "1 of 2 pods have a node")
    assert running.reason == Reason.WAITING
    assert found(pod("j-worker-0"), is_running=False)[1].reason == Reason.RECOVERING


def test_a_stage_can_run_although_some_of_its_pods_have_no_node() -> None:
    scheduled, running = found(
        pod("j-worker-0"), pending_pod("j-worker-1", unschedulable="Insufficient cpu"), is_running=True
    )
    assert (scheduled.status, scheduled.reason) == (False, Reason.UNSCHEDULABLE)
    assert (running.status, running.reason, running.message) == (True, Reason.RECOVERING, "recovers")
    assert found(pod("j-worker-0"), is_running=True)[1].status


def test_a_pod_that_is_being_deleted_holds_no_place() -> None:
    scheduled, _ = found(pod("j-worker-0"), pod("j-worker-1", deleting=True))
    assert (scheduled.status, scheduled.message) == (False, "1 of 2 pods have a node")


def test_pods_with_a_node_are_scheduled_and_run_once_none_is_pending() -> None:
    scheduled, running = found(pod("j-worker-0"), pod("j-worker-1"))
    assert (scheduled.status, scheduled.message) == (True, "all pods have a node")
    assert (running.status, running.reason, running.message) == (True, Reason.RECOVERING, "recovers")
    assert not found(pod("j-worker-0"), pod("j-worker-1", phase="Pending"))[1].status
    assert not found(pod("j-worker-0"), pod("j-worker-1"), is_running=False)[1].status
