"""Prepare: one pod tokenizes the text."""

from llmtrain_api.cluster import ComputePool
from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import prepare_name
from llmtrain_operator.core.objects.worker import stage_pod
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import StagePlan
from llmtrain_operator.core.stages.pods import pod_conditions


def prepare(
    job: Job, status: JobStatus, *, pods: tuple[PodView, ...], pull_policy: str, pool: ComputePool | None = None
) -> StagePlan:
    """Return the stage that makes the dataset; `pool` is the compute pool of the job, if the LLMCluster has any."""
    manifest = stage_pod(
        job,
        name=prepare_name(job.name),
        role="prepare",
        arguments=["prepare"],
        gpus=0,
        image=status.trainer_image,
        pull_policy=pull_policy,
        pool=pool,
    )
    return StagePlan(
        stage="Preparing",
        conditions=pod_conditions(
            job.spec,
            pods_with_role(pods, "prepare"),
            desired=1,
            reason=Reason.PREPARING,
            message="the text is being tokenized",
        ),
        desired=(manifest,),
    )
