"""The stages of a job: prepare the data, train, publish the model. Each says what pods it wants.

A job with an entrypoint has only the second: what its program reads and makes is its own affair.
"""

from datetime import timedelta

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import coordinator_name, pod_group_name, prepare_name, publish_name
from llmtrain_api.rules import torchrun
from llmtrain_operator.core.objects.coordinator import coordinator_pod, coordinator_service, next_term
from llmtrain_operator.core.objects.pod_group import pod_group
from llmtrain_operator.core.objects.pvc import persistent_volume_claim
from llmtrain_operator.core.objects.run_config import run_config_map
from llmtrain_operator.core.objects.worker import stage_pod, worker_pod
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.degraded import degraded
from llmtrain_operator.core.policies.scheduling import why_pending
from llmtrain_operator.core.snapshot import JobSnapshot, Manifest
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan, pod_reference
from llmtrain_operator.core.status.goodput import coordinator_accounts

STARTUP_POLL_INTERVAL = timedelta(seconds=0.5)
"""How often the coordinator is asked until the first step is done."""
POLL_INTERVAL = timedelta(seconds=5)
"""How often afterwards."""


def prepare(observed: JobSnapshot, status: JobStatus) -> StagePlan:
    """One pod turns the text into tokens."""
    manifest = stage_pod(
        observed.job,
        name=prepare_name(observed.job.name),
        role="prepare",
        arguments=["prepare"],
        gpus=0,
        image=status.trainer_image,
        pull_policy=observed.images.pull_policy,
    )
    pods = observed.with_role("prepare")
    return StagePlan(
        stage="Preparing",
        said=pod_conditions(observed, pods, 1, Reason.PREPARING, "the text is being turned into tokens"),
        desired=(*shared_objects(observed), manifest),
    )


def train(observed: JobSnapshot, status: JobStatus) -> StagePlan:
    """Coordinator and workers, all at once; workers above the wanted number go."""
    job, replicas = observed.job, observed.job.spec.workers.replicas
    gang = pod_group_name(job.name) if job.spec.scheduling.gang == "Auto" and observed.gang_available else ""
    pull_policy = observed.images.pull_policy
    dataset = status.dataset.id if status.dataset else ""
    term = next_term(status, observed.pod(coordinator_name(job.name)))
    pods = [
        coordinator_pod(
            job,
            term=term,
            image=status.coordinator_image,
            pull_policy=pull_policy,
            gang=gang,
            otlp_endpoint=observed.images.otlp_endpoint,
        ),
        *(
            worker_pod(job, i, dataset=dataset, image=status.trainer_image, pull_policy=pull_policy, gang=gang)
            for i in range(replicas)
        ),
    ]
    around = [coordinator_service(job), *([pod_group(job)] if gang else [])]
    surplus = [pod for pod in observed.with_role("worker") if pod.worker >= replicas and not pod.deleting]
    began = (bool(status.progress) and status.first_step_time is not None) or torchrun(job.spec)
    return StagePlan(
        stage=training_stage(observed),
        said=(*training_conditions(observed), *degraded(observed, status)),
        desired=(*shared_objects(observed), *around, *pods),
        delete=tuple(pod_reference(observed, pod) for pod in surplus),
        update={"coordinator_term": term},
        requeue_after=POLL_INTERVAL if began and is_training(observed) else STARTUP_POLL_INTERVAL,
    )


def publish(observed: JobSnapshot, status: JobStatus) -> StagePlan:
    """One pod evaluates, exports and samples the trained model; the pods that trained go."""
    job = observed.job
    assert status.dataset is not None
    manifest = stage_pod(
        job,
        name=publish_name(job.name),
        role="publish",
        arguments=["publish", "--dataset", status.dataset.id],
        gpus=job.spec.workers.gpus,
        image=status.trainer_image,
        pull_policy=observed.images.pull_policy,
    )
    idle = [pod for pod in observed.with_role("worker") if pod.phase not in ("Succeeded", "Failed")]
    leaving = [pod for pod in (*observed.with_role("coordinator"), *idle) if not pod.deleting]
    return StagePlan(
        stage="Publishing",
        said=pod_conditions(
            observed,
            observed.with_role("publish"),
            1,
            Reason.PUBLISHING,
            "the model is evaluated, exported and sampled",
        ),
        desired=(*shared_objects(observed), manifest),
        delete=tuple(pod_reference(observed, pod) for pod in leaving),
        update={"workers": status.workers.model_copy(update={"ready": 0, "active": 0})},
    )


def shared_objects(observed: JobSnapshot) -> tuple[Manifest, ...]:
    """Return what every stage stands on and does not have: the claims and the run config."""
    job = observed.job
    pools = {pool.name: pool for pool in observed.cluster.storage_pools} if observed.cluster else {}
    volumes = dict.fromkeys((job.spec.data.source.volume, job.spec.checkpoint.volume))
    claims = [
        persistent_volume_claim(pools[volume], job.namespace, job.spec.cluster)
        for volume in volumes
        if volume in pools and volume not in observed.claims
    ]
    config = run_config_map(job)  # immutable: once there, it stays as it is
    there = ("ConfigMap", config["metadata"]["name"]) in observed.objects
    return (*claims, *([] if there else [config]))


def is_training(observed: JobSnapshot) -> bool:
    """Return whether a whole membership trains: the coordinator says so, or said so and nothing speaks against it."""
    if observed.coordinator is not None and observed.coordinator.generation > 0:  # a new one may know of none yet
        return observed.coordinator.state != "Waiting"
    workers = observed.with_role("worker")
    alive = [pod for pod in workers if not pod.deleting and pod.phase in ("Running", "Succeeded")]
    return observed.job.status.stage == "Training" and len(alive) >= observed.job.spec.workers.replicas


def training_stage(observed: JobSnapshot) -> str:
    """Return the one word for people."""
    if is_training(observed):
        return "Training"
    return "Recovering" if is_recovering(observed) else "Starting"


def is_recovering(observed: JobSnapshot) -> bool:
    """Return whether it trained until something broke; what was suspended starts anew."""
    return coordinator_accounts(observed.job.status)


def training_conditions(observed: JobSnapshot) -> tuple[ConditionUpdate, ...]:
    """Say whether all pods have a node and whether they train."""
    pods = (*observed.with_role("worker"), *observed.with_role("coordinator"))
    wanted = observed.job.spec.workers.replicas
    if is_training(observed):
        return pod_conditions(observed, pods, wanted + 1, Reason.TRAINING, f"{wanted} workers train")
    running = len([pod for pod in observed.with_role("worker") if pod.running])
    if is_recovering(observed):
        text = f"{running} of {wanted} workers run; the training goes on when enough have joined"
        return pod_conditions(observed, pods, wanted + 1, Reason.RECOVERING, text, running=False)
    return pod_conditions(
        observed, pods, wanted + 1, Reason.STARTING, f"{running} of {wanted} workers run and join the coordinator"
    )


def pod_conditions(
    observed: JobSnapshot, pods: tuple[PodView, ...], wanted: int, reason: Reason, message: str, running: bool = True
) -> tuple[ConditionUpdate, ...]:
    """Say of a stage's pods whether they are scheduled and run."""
    blocked = why_pending(observed, pods)
    placed = len([pod for pod in pods if pod.node])
    if blocked is not None:
        scheduled = ConditionUpdate(
            type=JobCondition.SCHEDULED, status=False, reason=blocked.reason, message=blocked.message
        )
        return (
            scheduled,
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=blocked.reason, message=blocked.message),
        )
    if placed < wanted:
        text = f"{placed} of {wanted} pods have a node"
        return (
            ConditionUpdate(type=JobCondition.SCHEDULED, status=False, reason=Reason.WAITING, message=text),
            ConditionUpdate(
                type=JobCondition.RUNNING, status=False, reason=reason if not running else Reason.WAITING, message=text
            ),
        )
    return (
        ConditionUpdate(
            type=JobCondition.SCHEDULED, status=True, reason=Reason.SCHEDULED, message="every pod has a node"
        ),
        ConditionUpdate(
            type=JobCondition.RUNNING,
            status=running and all(pod.phase != "Pending" for pod in pods),
            reason=reason,
            message=message,
        ),
    )
