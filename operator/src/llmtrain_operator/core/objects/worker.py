"""Worker pods, and the pods of the stages prepare and publish. All run the trainer image."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from llmtrain_api.cluster import ComputePool, Fabric
from llmtrain_api.names import GPU_RESOURCE, JOB_LABEL, ROLE_LABEL, WORKER_LABEL, worker_name
from llmtrain_api.workers import Workers
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.environment import environment, environment_sources
from llmtrain_operator.core.objects.fabric import add_fabric
from llmtrain_operator.core.objects.pod import PodTemplate, existing_pod, pod
from llmtrain_operator.core.objects.token import token_volume
from llmtrain_operator.core.objects.volumes import (
    DEFAULT_SCRATCH,
    EPHEMERAL_STORAGE,
    Volume,
    claim_volumes,
    ephemeral_storage,
    limit,
    mounted_volumes,
    run_config_volume,
    shared_memory_volume,
    tmp_volume,
)
from llmtrain_operator.core.snapshot import Job

ROLE = "worker"
"""Role label of worker pods."""
STAGE_GRACE_SECONDS = 5
"""Termination grace period of the pods of the stages prepare and publish."""


def resources(workers: Workers, gpus: int, extra: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """Return the resources of one trainer container. Requests equal limits, so that no node is overcommitted.

    Only ephemeral storage that the job does not name is limited and not requested: not all nodes account for it.
    """
    amounts = {
        "cpu": workers.resources.cpu,
        "memory": workers.resources.memory,
        **({GPU_RESOURCE: str(gpus)} if gpus else {}),
        **extra,
    }
    return {
        "requests": {**amounts, EPHEMERAL_STORAGE: ephemeral_storage(workers, default="0")},
        "limits": {**amounts, EPHEMERAL_STORAGE: ephemeral_storage(workers, default=DEFAULT_SCRATCH)},
    }


def trainer_volumes(job: Job) -> tuple[Volume, ...]:
    """Return the volumes of a trainer container."""
    workers, model = job.spec.workers, job.spec.model
    return (
        tmp_volume(limit(workers.resources.scratch, DEFAULT_SCRATCH)),
        shared_memory_volume(workers),
        run_config_volume(job.name, job.uid),
        *claim_volumes(
            (job.spec.data.source.volume, job.spec.checkpoint.volume),
            read_only=[files.volume for files in (model.source, model.vectors) if files and files.volume],
        ),
        *mounted_volumes(workers.mounts),
    )


def worker_pod(
    job: Job,
    worker: int,
    *,
    dataset: str,
    image: str,
    pull_policy: str,
    gang: str,
    pool: ComputePool | None = None,
    one_node: bool = False,
) -> Manifest:
    """Return the pod of worker number `worker`.

    `dataset` is the id of the prepared dataset, empty for a user's program; `gang` the name of the PodGroup or empty;
    `pool` the compute pool of the job, None in an LLMCluster without any; `one_node` is whether only one node can mount its
    volumes.
    """
    workers = job.spec.workers
    fabric = pool.fabric if pool is not None and workers.replicas > 1 else Fabric()
    template = PodTemplate(
        role=ROLE,
        labels={WORKER_LABEL: str(worker)},
        image=image,
        pull_policy=pull_policy,
        arguments=("llmtrain_trainer", "worker", *(["--dataset", dataset] if dataset else [])),
        resources=resources(workers, workers.gpus, {**fabric.resources, **workers.resources.extra}),
        grace_seconds=job.spec.recovery.grace_period_seconds,
        env=environment(job.spec, LLMTRAIN_WORKER=str(worker)),
        env_from=environment_sources(workers.env_from),
        volumes=(*trainer_volumes(job), token_volume(job)),
        mount_token=job.spec.service_account.mount_token,
        runtime_class=workers.runtime_class,
        pool=pool,
        gang=gang,
    )
    manifest = pod(job, worker_name(job.name, worker), template)
    add_fabric(manifest, fabric)
    if one_node:
        manifest["spec"]["affinity"] = {"podAffinity": affinity_to_workers(job)}
    elif not workers.gpus:
        manifest["spec"]["topologySpreadConstraints"] = [topology_spread(job)]
    return manifest


def existing_worker_pod(job: Job, worker: int) -> Manifest:
    """Return what is enforced of the pod of worker number `worker`, if it exists."""
    return existing_pod(job, worker_name(job.name, worker), ROLE, **{WORKER_LABEL: str(worker)})


def affinity_to_workers(job: Job) -> dict[str, Any]:
    """Return the affinity to the node of the other workers: a volume of the job can only be mounted there."""
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {JOB_LABEL: job.name, ROLE_LABEL: "worker"}},
    }
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def topology_spread(job: Job) -> dict[str, Any]:
    """Return the constraint that spreads CPU workers over nodes: sharing a node would only cost them CPU time."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {JOB_LABEL: job.name, ROLE_LABEL: "worker"}},
    }


def stage_pod(
    job: Job,
    *,
    name: str,
    role: str,
    arguments: list[str],
    gpus: int,
    image: str,
    pull_policy: str,
    pool: ComputePool | None = None,
) -> Manifest:
    """Return the pod of a stage that consists of one pod; `arguments` are those of the trainer, `pool` as of workers."""
    workers = job.spec.workers
    template = PodTemplate(
        role=role,
        image=image,
        pull_policy=pull_policy,
        arguments=("llmtrain_trainer", *arguments),
        resources=resources(workers, gpus),
        grace_seconds=STAGE_GRACE_SECONDS,
        env=environment(job.spec),
        env_from=environment_sources(workers.env_from),
        volumes=trainer_volumes(job),
        mount_token=job.spec.service_account.mount_token,
        runtime_class=workers.runtime_class,
        pool=pool,
    )
    return pod(job, name, template)
