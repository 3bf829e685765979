"""Fields of a job without effect in local mode: what a cluster does with them, nothing does on one machine."""

from collections.abc import Iterator

from llmtrain_api.defaults import is_default
from llmtrain_api.job import JobSpec

NO_SCHEDULER = "the job runs on this machine"
NO_CONTAINERS = "processes of this machine run without containers"
NO_PODS = "there are no pods"
NO_EFFECT: dict[str, str] = {
    "cluster": NO_SCHEDULER,
    "image": "the Python environment of this command is used",
    "workers.min": "all replicas are started together",
    "workers.max": "the number of workers does not change",
    "workers.resources.memory": NO_CONTAINERS,
    "workers.resources.scratch": NO_CONTAINERS,
    "workers.resources.extra": NO_CONTAINERS,
    "workers.pools": NO_SCHEDULER,
    "workers.nodeSelector": NO_SCHEDULER,
    "workers.tolerations": NO_SCHEDULER,
    "workers.envFrom": "variables of the shell are passed on",
    "workers.mounts": "programs see this machine's files",
    "workers.sharedMemory": NO_CONTAINERS,
    "workers.annotations": NO_PODS,
    "workers.labels": NO_PODS,
    "workers.runtimeClass": NO_CONTAINERS,
    "data.prepareWorkers": "processes of this machine share the work",
    "recovery.nodeSeconds": "there is one node",
    "scheduling": NO_SCHEDULER,
    "pullSecrets": NO_CONTAINERS,
    "serviceAccount": NO_PODS,
    "securityContext": "processes run as the user of this command",
    "podCleanup": NO_PODS,
    "suspend": "Ctrl-C stops the run, and the same command resumes it",
    "activeDeadlineSeconds": "run the command with `timeout`, which stops it as Ctrl-C does",
    "ttlSecondsAfterFinished": "results stay until --fresh deletes them",
}
"""Field, or part of the spec, and what holds instead."""


def ignored_fields(spec: JobSpec) -> Iterator[str]:
    """Yield a sentence for each field that the job sets to another value than the default and that has no effect."""
    for field, instead in NO_EFFECT.items():
        if not is_default(spec, field):
            yield f"warning: spec.{field} has no effect in local mode: {instead}"
