"""Train: the coordinator and the workers, created together; workers beyond `replicas` are deleted."""

from collections.abc import Collection
from datetime import timedelta

from llmtrain_api.cluster import ComputePool
from llmtrain_api.conditions import Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import coordinator_name, pod_group_name, worker_name
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.rules import torchrun
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.coordinator import ROLE, coordinator_pod, coordinator_service, next_term
from llmtrain_operator.core.objects.pod import existing_pod
from llmtrain_operator.core.objects.pod_group import pod_group
from llmtrain_operator.core.objects.token import token_secret
from llmtrain_operator.core.objects.worker import existing_worker_pod, worker_pod
from llmtrain_operator.core.plan import pod_references
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.policies.degraded import degraded_conditions
from llmtrain_operator.core.policies.token_creation import must_create_token
from llmtrain_operator.core.snapshot import Images, Job
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan
from llmtrain_operator.core.stages.pods import pod_conditions
from llmtrain_operator.core.status.goodput import coordinator_accounts

STARTUP_POLL_INTERVAL = timedelta(seconds=0.5)
"""How often the coordinator is polled until the first step is done, and while the job recovers."""
POLL_INTERVAL = timedelta(seconds=5)
"""How often it is polled while the job trains."""


def train(
    job: Job,
    status: JobStatus,
    *,
    pods: tuple[PodView, ...],
    coordinator: CoordinatorStatus | None,
    images: Images,
    token: str,
    token_created: bool = False,
    gang_available: bool,
    pool: ComputePool | None = None,
    one_node: bool = False,
    gang_workers: int | None = None,
    lost_nodes: frozenset[str],
    avoid_nodes: tuple[str, ...] = (),
    coordinator_refused: bool = False,
) -> StagePlan:
    """Return the stage that trains; the coordinator is created on one of `avoid_nodes` only if no other has room.

    `token_created` is whether the Secret with the token is known to have been created; `pool` is the compute pool of the job,
    if the LLMCluster has any; `one_node` whether only one node can mount its volumes, `gang_workers` how many workers can run
    at once, if that is not all; `coordinator_refused` whether the API server rejected its pod when it was created last.
    """
    workers, coordinators = pods_with_role(pods, "worker"), pods_with_role(pods, "coordinator")
    existing = next((pod for pod in pods if pod.name == coordinator_name(job.name)), None)
    term = next_term(status, existing, is_refused=coordinator_refused)
    training = is_training(job.spec, status, workers, coordinator)
    surplus = (pod for pod in workers if pod.worker >= job.spec.workers.replicas and not pod.deleting)
    desired = training_objects(
        job,
        status,
        term=term,
        images=images,
        gang_available=gang_available,
        pool=pool,
        one_node=one_node,
        gang_workers=gang_workers,
        avoid_nodes=avoid_nodes,
        existing={pod.name for pod in pods},
    )
    secret = token_secret(job, token)
    needs_token = must_create_token(secret, desired, pods, created=token_created)
    return StagePlan(
        stage=stage_name(status, training=training),
        conditions=(
            *training_conditions(job.spec, status, workers, coordinators, training=training),
            *degraded_conditions(job.spec, status, coordinator),
        ),
        desired=(secret, *desired) if needs_token else desired,
        delete=pod_references(surplus, lost_nodes),
        poll_after=poll_interval(job.spec, status, workers, coordinators, training=training),
    )


def poll_interval(
    spec: JobSpec,
    status: JobStatus,
    workers: tuple[PodView, ...],
    coordinators: tuple[PodView, ...],
    *,
    training: bool,
) -> timedelta | None:
    """Return when the coordinator is polled next; None while too few pods run: they cause events when they change."""
    started = (bool(status.progress) and status.first_step_time is not None) or torchrun(spec)
    if started and training:
        return POLL_INTERVAL
    if len([pod for pod in workers if pod.running]) >= spec.workers.min:
        return STARTUP_POLL_INTERVAL
    return POLL_INTERVAL if any(pod.running for pod in coordinators) else None


def training_objects(
    job: Job,
    status: JobStatus,
    *,
    term: int,
    images: Images,
    gang_available: bool,
    avoid_nodes: tuple[str, ...],
    pool: ComputePool | None = None,
    one_node: bool = False,
    gang_workers: int | None = None,
    existing: Collection[str] = (),
) -> tuple[Manifest, ...]:
    """Return the Service, the PodGroup if gang scheduling is used, the coordinator and the workers.

    Of pods that have one of the names `existing`, it is only what is enforced.
    """
    gang = pod_group_name(job.name) if job.spec.scheduling.gang == "Auto" and gang_available else ""

    def coordinator() -> Manifest:
        return coordinator_pod(
            job,
            term=term,
            image=status.coordinator_image,
            pull_policy=images.pull_policy,
            gang=gang,
            pool=pool,
            otlp_endpoint=images.otlp_endpoint,
            avoid_nodes=avoid_nodes,
        )

    def worker(number: int) -> Manifest:
        return worker_pod(
            job,
            number,
            dataset=status.dataset.id if status.dataset else "",
            image=status.trainer_image,
            pull_policy=images.pull_policy,
            gang=gang,
            pool=pool,
            one_node=one_node,
        )

    return (
        coordinator_service(job),
        *([pod_group(job, gang_workers)] if gang else []),
        existing_pod(job, name, ROLE) if (name := coordinator_name(job.name)) in existing else coordinator(),
        *(
            existing_worker_pod(job, number) if worker_name(job.name, number) in existing else worker(number)
            for number in range(job.spec.workers.replicas)
        ),
    )


def is_training(
    spec: JobSpec, status: JobStatus, workers: tuple[PodView, ...], coordinator: CoordinatorStatus | None
) -> bool:
    """Return whether a complete membership trains.

    A coordinator at generation 0 has just started and has no membership yet. Until it has one, or while none
    answers, training is assumed to continue if as many workers run as were active, or all if that is not known.
    """
    if coordinator is not None and coordinator.generation > 0:
        return coordinator.state != "Waiting"
    alive = [pod for pod in workers if not pod.deleting and pod.phase in ("Running", "Succeeded")]
    return status.stage == "Training" and len(alive) >= (status.workers.active or spec.workers.replicas)


def is_recovering(status: JobStatus) -> bool:
    """Return whether the job has trained since it was started or resumed."""
    return coordinator_accounts(status)


def stage_name(status: JobStatus, *, training: bool) -> str:
    """Return the new `status.stage`; `status` holds the stage so far."""
    if training:
        return "Training"
    return "Recovering" if is_recovering(status) else "Starting"


def training_conditions(
    spec: JobSpec,
    status: JobStatus,
    workers: tuple[PodView, ...],
    coordinators: tuple[PodView, ...],
    *,
    training: bool,
) -> tuple[ConditionUpdate, ...]:
    """Return whether all pods have a node, and whether the job trains, with however many workers."""
    pods, replicas = (*workers, *coordinators), spec.workers.replicas
    running = len([pod for pod in workers if pod.running])
    if training:
        reason, message = Reason.TRAINING, training_message(status.workers.active or running, replicas)
    elif is_recovering(status):
        reason = Reason.RECOVERING
        message = f"{running} of {replicas} workers run; training continues when enough have joined"
    else:
        reason = Reason.STARTING
        message = f"{running} of {replicas} workers run; training starts when all have joined the coordinator"
    return pod_conditions(
        spec,
        pods,
        desired=replicas + 1,
        reason=reason,
        message=message,
        is_running=True if training else False if is_recovering(status) else None,
    )


def training_message(active: int, replicas: int) -> str:
    """Return how many workers train."""
    return f"{replicas} workers are training" if active >= replicas else f"{active} of {replicas} workers are training"
