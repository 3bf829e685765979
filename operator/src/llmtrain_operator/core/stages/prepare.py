"""Prepare: one pod tokenizes the text, and as many others as the job wants help it."""

from dataclasses import replace

from llmtrain_api.cluster import ComputePool
from llmtrain_api.conditions import Reason
from llmtrain_api.job_results import DatasetStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import helper_name, prepare_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.worker import stage_pod
from llmtrain_operator.core.plan import pod_references
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import StagePlan
from llmtrain_operator.core.stages.pods import pod_conditions

HELPER = "helper"
"""Role of the pods that help. Only the pod that they help reports the dataset."""


def prepare(
    job: Job,
    status: JobStatus,
    *,
    pods: tuple[PodView, ...],
    pull_policy: str,
    pool: ComputePool | None = None,
    one_node: bool = False,
) -> StagePlan:
    """Return the stage that makes the dataset; `pool` is the compute pool of the job, if the LLMCluster has any.

    `one_node` is whether only one node can mount the job's volumes: one pod does it all then.
    """
    count = 1 if one_node else job.spec.data.prepare_workers

    def pod(index: int) -> Manifest:
        return stage_pod(
            job,
            name=helper_name(job.name, index) if index else prepare_name(job.name),
            role=HELPER if index else "prepare",
            arguments=["prepare", *([f"--part={index}", f"--parts={count}"] if count > 1 else [])],
            gpus=0,
            image=status.trainer_image,
            pull_policy=pull_policy,
            pool=pool,
        )

    helping = len([pod for pod in pods_with_role(pods, HELPER) if pod.running])
    return StagePlan(
        stage="Preparing",
        conditions=pod_conditions(
            job.spec,
            pods_with_role(pods, "prepare"),
            desired=1,
            reason=Reason.PREPARING,
            message="the text is being tokenized" + (f"; {helping} of {count - 1} pods help" if count > 1 else ""),
        ),
        desired=tuple(pod(index) for index in range(count)),
    )


def needed_pods(pods: tuple[PodView, ...], dataset: DatasetStatus | None) -> tuple[PodView, ...]:
    """Return the pods whose failures count: those that helped to make a `dataset` have nothing left to fail at."""
    reported = any(pod.outcome is not None and pod.outcome.dataset for pod in pods_with_role(pods, "prepare"))
    return tuple(pod for pod in pods if pod.role != HELPER) if dataset or reported else pods


def without_helpers(stage: StagePlan, pods: tuple[PodView, ...], lost_nodes: frozenset[str]) -> StagePlan:
    """Return a later stage that deletes the pods which still do what is not needed any more."""
    helpers = (pod for pod in pods_with_role(pods, HELPER) if not pod.finished)
    unneeded = tuple(pod for pod in helpers if not pod.deleting or (pod.node in lost_nodes and not pod.finalizers))
    return replace(stage, delete=(*stage.delete, *pod_references(unneeded, lost_nodes))) if unneeded else stage
