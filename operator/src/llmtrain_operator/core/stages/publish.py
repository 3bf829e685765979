"""Publish: one pod evaluates and exports the trained model, and generates a sample."""

from llmtrain_api.cluster import ComputePool
from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import publish_name
from llmtrain_operator.core.objects.worker import stage_pod
from llmtrain_operator.core.plan import pod_references
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.snapshot import Job
from llmtrain_operator.core.stage_plan import StagePlan
from llmtrain_operator.core.stages.pods import pod_conditions


def publish(
    job: Job,
    status: JobStatus,
    *,
    pods: tuple[PodView, ...],
    pull_policy: str,
    pool: ComputePool | None = None,
    lost_nodes: frozenset[str],
) -> StagePlan:
    """Return the stage that publishes the model. The coordinator and workers that have not finished are deleted.

    `pool` is the compute pool of the job, if the LLMCluster has any.
    """
    assert status.dataset is not None
    manifest = stage_pod(
        job,
        name=publish_name(job.name),
        role="publish",
        arguments=["publish", "--dataset", status.dataset.id],
        gpus=job.spec.workers.gpus,
        image=status.trainer_image,
        pull_policy=pull_policy,
        pool=pool,
    )
    unfinished = (pod for pod in pods_with_role(pods, "worker") if not pod.finished)
    unneeded = (pod for pod in (*pods_with_role(pods, "coordinator"), *unfinished) if not pod.deleting)
    return StagePlan(
        stage="Publishing",
        conditions=pod_conditions(
            job.spec,
            pods_with_role(pods, "publish"),
            desired=1,
            reason=Reason.PUBLISHING,
            message="the model is being evaluated and exported",
        ),
        desired=(manifest,),
        delete=pod_references(unneeded, lost_nodes, after_training=True),
        update={"workers": status.workers.model_copy(update={"ready": 0, "active": 0})},
    )
