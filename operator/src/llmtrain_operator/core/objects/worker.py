"""Worker pods, and the pods of the stages before and after: all run the trainer image alike."""

from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.names import GPU_RESOURCE, JOB_LABEL, ROLE_LABEL, WORKER_LABEL, worker_name
from llmtrain_operator.core.objects.pod import placement, pod
from llmtrain_operator.core.snapshot import Job, Manifest

GRACE_SECONDS = 60
"""A worker asked to stop finishes its step and writes a checkpoint."""


def resources(spec: JobSpec, gpus: int) -> dict[str, Any]:
    """Return requests and limits of one trainer container: the same, so that nothing is overcommitted."""
    amounts = {"cpu": spec.workers.resources.cpu, "memory": spec.workers.resources.memory}
    if gpus:
        amounts[GPU_RESOURCE] = str(gpus)
    return {"requests": amounts, "limits": amounts}


def environment(spec: JobSpec, **own: str) -> list[dict[str, Any]]:
    """Return the variables of a trainer container: the user's, then ours."""
    fields = {"LLMTRAIN_ADDRESS": "status.podIP", "LLMTRAIN_NODE": "spec.nodeName"}
    return [
        *({"name": variable.name, "value": variable.value} for variable in spec.workers.env),
        *({"name": name, "value": value} for name, value in own.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    ]


def worker_pod(job: Job, worker: int, *, dataset: str, image: str, pull_policy: str, gang: str) -> Manifest:
    """Return worker number `worker`."""
    manifest = pod(
        job,
        name=worker_name(job.name, worker),
        role="worker",
        labels={WORKER_LABEL: str(worker)},
        image=image,
        pull_policy=pull_policy,
        arguments=["llmtrain_trainer", "worker", *(["--dataset", dataset] if dataset else [])],
        resources=resources(job.spec, job.spec.workers.gpus),
        grace_seconds=GRACE_SECONDS,
        env=environment(job.spec, LLMTRAIN_WORKER=str(worker)),
        volumes=(job.spec.data.source.volume, job.spec.checkpoint.volume),
        gang=gang,
    )
    manifest["spec"].update(placement(job.spec))
    if not job.spec.workers.gpus:
        manifest["spec"]["topologySpreadConstraints"] = [topology_spread(job)]
    return manifest


def topology_spread(job: Job) -> dict[str, Any]:
    """Return the wish to have CPU workers on different nodes: they share nothing that is faster within one."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {JOB_LABEL: job.name, ROLE_LABEL: "worker"}},
    }


def stage_pod(
    job: Job, *, name: str, role: str, arguments: list[str], gpus: int, image: str, pull_policy: str
) -> Manifest:
    """Return the pod of a stage that one container does alone."""
    manifest = pod(
        job,
        name=name,
        role=role,
        image=image,
        pull_policy=pull_policy,
        arguments=["llmtrain_trainer", *arguments],
        resources=resources(job.spec, gpus),
        grace_seconds=5,
        env=environment(job.spec),
        volumes=(job.spec.data.source.volume, job.spec.checkpoint.volume),
    )
    manifest["spec"].update(placement(job.spec))
    return manifest
