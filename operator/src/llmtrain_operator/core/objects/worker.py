"""Worker pods, and the pods of the stages prepare and publish. All run the trainer image."""

from typing import Any

from llmtrain_api.cluster import ComputePool
from llmtrain_api.job import JobSpec
from llmtrain_api.names import GPU_RESOURCE, JOB_LABEL, ROLE_LABEL, WORKER_LABEL, worker_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.fabric import add_fabric
from llmtrain_operator.core.objects.pod import PodTemplate, pod
from llmtrain_operator.core.snapshot import Job

GRACE_SECONDS = 60
"""Termination grace period of a worker, in which it finishes its step and writes a checkpoint."""
STAGE_GRACE_SECONDS = 5
"""Termination grace period of the pods of the stages prepare and publish."""


def resources(spec: JobSpec, gpus: int) -> dict[str, Any]:
    """Return the resources of one trainer container. Requests equal limits, so that no node is overcommitted."""
    amounts = {"cpu": spec.workers.resources.cpu, "memory": spec.workers.resources.memory}
    if gpus:
        amounts[GPU_RESOURCE] = str(gpus)
    return {"requests": amounts, "limits": amounts}


def environment(spec: JobSpec, **variables: str) -> tuple[dict[str, Any], ...]:
    """Return the environment of a trainer container: the user's variables, then `variables` and the pod's fields."""
    fields = {"LLMTRAIN_ADDRESS": "status.podIP", "LLMTRAIN_NODE": "spec.nodeName"}
    return (
        *({"name": variable.name, "value": variable.value} for variable in spec.workers.env),
        *({"name": name, "value": value} for name, value in variables.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    )


def claims_of(spec: JobSpec) -> tuple[str, ...]:
    """Return the claims that trainer containers mount."""
    return (spec.data.source.volume, spec.checkpoint.volume)


def worker_pod(
    job: Job, worker: int, *, dataset: str, image: str, pull_policy: str, gang: str, pool: ComputePool | None = None
) -> Manifest:
    """Return the pod of worker number `worker`.

    `dataset` is the id of the prepared dataset, empty for a user's program; `gang` the name of the PodGroup or empty;
    `pool` the compute pool of the job, None in an LLMCluster without any.
    """
    template = PodTemplate(
        role="worker",
        labels={WORKER_LABEL: str(worker)},
        image=image,
        pull_policy=pull_policy,
        arguments=("llmtrain_trainer", "worker", *(["--dataset", dataset] if dataset else [])),
        resources=resources(job.spec, job.spec.workers.gpus),
        grace_seconds=GRACE_SECONDS,
        env=environment(job.spec, LLMTRAIN_WORKER=str(worker)),
        claims=claims_of(job.spec),
        pool=pool,
        gang=gang,
    )
    manifest = pod(job, worker_name(job.name, worker), template)
    if pool is not None and job.spec.workers.replicas > 1:
        add_fabric(manifest, pool.fabric)
    if not job.spec.workers.gpus:
        manifest["spec"]["topologySpreadConstraints"] = [topology_spread(job)]
    return manifest


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
    template = PodTemplate(
        role=role,
        image=image,
        pull_policy=pull_policy,
        arguments=("llmtrain_trainer", *arguments),
        resources=resources(job.spec, gpus),
        grace_seconds=STAGE_GRACE_SECONDS,
        env=environment(job.spec),
        claims=claims_of(job.spec),
        pool=pool,
    )
    return pod(job, name, template)
