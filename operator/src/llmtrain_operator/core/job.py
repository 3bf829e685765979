"""One LLMTrainingJob: computes a plan from its snapshot.

Within this package, `before` is the status as last written and `status` the one that the plan will write.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.protocol import RecoveryRecord
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.events import condition_events, failure_events, repair_events
from llmtrain_operator.core.manifest import Manifest, ObjectKey
from llmtrain_operator.core.objects.drift import changed_objects
from llmtrain_operator.core.objects.pod_group import API_VERSION as POD_GROUP_VERSION
from llmtrain_operator.core.plan import Event, Plan, pod_references
from llmtrain_operator.core.pod_view import pods_with_role
from llmtrain_operator.core.policies.admission import first_blocker, waiting_stage
from llmtrain_operator.core.policies.cleanup import plan_cleanup
from llmtrain_operator.core.policies.completion import is_finished, terminal_stage
from llmtrain_operator.core.policies.deadline import remaining_deadline
from llmtrain_operator.core.policies.failure_policy import (
    failure_budget,
    failure_of,
    new_failed_pods,
    record_failures,
    recorded_failed_pods,
)
from llmtrain_operator.core.policies.suspend import resumed_conditions, suspend
from llmtrain_operator.core.policies.ttl import plan_ttl
from llmtrain_operator.core.snapshot import Images, Job, JobSnapshot
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan, update_conditions
from llmtrain_operator.core.stages.pods import shared_objects
from llmtrain_operator.core.stages.prepare import prepare
from llmtrain_operator.core.stages.publish import publish
from llmtrain_operator.core.stages.train import train
from llmtrain_operator.core.status.goodput import with_goodput
from llmtrain_operator.core.status.progress import with_progress
from llmtrain_operator.core.status.recoveries import (
    new_recoveries,
    process_failures,
    recovery_events,
    with_recoveries,
)
from llmtrain_operator.core.status.results import with_results
from llmtrain_operator.core.status.workers import with_worker_counts


def plan_job(snapshot: JobSnapshot) -> Plan:
    """Return what the job needs now. A job that has ended is cleaned up, and deleted after its time to live."""
    job, pods, lost_nodes, now = snapshot.job, snapshot.pods, snapshot.lost_nodes, snapshot.now
    before = job.status
    if is_finished(before):
        return plan_cleanup(pods, snapshot.objects, lost_nodes) or plan_ttl(job, before.finish_time, now)
    recoveries = new_recoveries(before, snapshot.coordinator)
    failed_pods = new_failed_pods(before, pods, lost_nodes)
    failures = (
        *(failure_of(pod, lost_nodes, now) for pod in failed_pods),
        *process_failures(job.name, recoveries),
    )
    status = next_status(snapshot, recoveries, failures)
    plan = partial(build_plan, job, status, live_objects=snapshot.live_objects, ledger=snapshot.ledger, now=now)
    end = terminal_stage(job, status, failures, pods=pods, now=now)
    if end is not None:
        return plan(end)
    return plan(next_stage(snapshot, status), failures=failures, recoveries=recoveries)


def next_status(
    snapshot: JobSnapshot, recoveries: tuple[RecoveryRecord, ...], failures: tuple[Failure, ...]
) -> JobStatus:
    """Return the status with what the snapshot shows; `recoveries` and `failures` are those it does not record yet."""
    job, pods = snapshot.job, snapshot.pods
    status = with_worker_counts(job.status, job, pods_with_role(pods, "worker"))
    status = with_progress(status, snapshot.coordinator)
    status = with_results(status, job.spec, pods, snapshot.lost_nodes)
    status = with_recoveries(status, recoveries)
    return record_failures(status, failures, failure_budget(job.spec.recovery), snapshot.now)


def next_stage(snapshot: JobSnapshot, status: JobStatus) -> StagePlan:
    """Return the stage of a job that has not ended: suspended, or the next one of its work.

    Failed pods that the status records already are deleted here, and so replaced by the next plan.
    """
    job, pods, lost_nodes = snapshot.job, snapshot.pods, snapshot.lost_nodes
    if job.spec.suspend:
        stage = suspend(status, pods=pods, objects=snapshot.objects, lost_nodes=lost_nodes)
    else:
        stage = work_stage(snapshot, status)
    failed_pods = recorded_failed_pods(job.status, pods, lost_nodes)  # not those that only `status` records
    deadline = remaining_deadline(job.spec, job.status.start_time, snapshot.now)
    times = [time for time in (stage.requeue_after, deadline) if time is not None]
    return replace(
        stage,
        conditions=(*stage.conditions, *resumed_conditions(status, suspended=job.spec.suspend)),
        delete=(*stage.delete, *pod_references(failed_pods, lost_nodes)),
        requeue_after=min(times, default=None),
    )


def work_stage(snapshot: JobSnapshot, status: JobStatus) -> StagePlan:
    """Return the next stage of a job's work: prepare, train or publish; or that it waits to be admitted."""
    job, pods, images, lost_nodes = snapshot.job, snapshot.pods, snapshot.images, snapshot.lost_nodes
    blocker = first_blocker(
        job,
        snapshot.cluster,
        clusters=snapshot.clusters,
        claims=snapshot.claims,
        gpus_capacity=snapshot.gpus_capacity,
    )
    if blocker is not None and not pods:  # a running job outlives its LLMCluster
        return waiting_stage(blocker)
    starting = status.start_time is None
    start = start_fields(job, images, format_rfc3339(snapshot.now)) if starting else {}
    status = status.model_copy(update=start)
    if status.dataset is None and job.spec.entrypoint is None:
        stage = prepare(job, status, pods=pods, pull_policy=images.pull_policy)
    elif not status.training_completed:
        stage = train(
            job,
            status,
            pods=pods,
            coordinator=snapshot.coordinator,
            images=images,
            gang_available=snapshot.gang_available,
            lost_nodes=lost_nodes,
        )
    else:
        stage = publish(job, status, pods=pods, pull_policy=images.pull_policy, lost_nodes=lost_nodes)
    shared = shared_objects(job, snapshot.cluster, claims=snapshot.claims, objects=snapshot.objects)
    return replace(
        stage,
        desired=(*shared, *stage.desired),
        events=no_gang_events(job, gang_available=snapshot.gang_available) if starting else (),
        update={**stage.update, **start},
    )


def start_fields(job: Job, images: Images, now: str) -> dict[str, Any]:
    """Return the fields of the status that are set at the start. A started job keeps its images through upgrades."""
    default = images.trainer if job.spec.workers.gpus else images.trainer_cpu
    return {
        "start_time": now,
        "trainer_image": job.spec.image or default,
        "coordinator_image": images.coordinator,
    }


def no_gang_events(job: Job, *, gang_available: bool) -> tuple[Event, ...]:
    """Return the event of a job that asks for gang scheduling where it is not available."""
    if gang_available or job.spec.scheduling.gang == "Off":
        return ()
    text = (
        f"the API server does not serve {POD_GROUP_VERSION} PodGroups: pods are scheduled individually, not as a gang; "
        "set spec.scheduling.gang to Off if that is intended"
    )
    return (Event(type="Warning", reason=Reason.NO_GANG_SCHEDULING, message=text),)


def build_plan(
    job: Job,
    status: JobStatus,
    stage: StagePlan,
    *,
    failures: tuple[Failure, ...] = (),
    recoveries: tuple[RecoveryRecord, ...] = (),
    live_objects: Mapping[ObjectKey, Manifest],
    ledger: TimeLedger | None,
    now: datetime,
) -> Plan:
    """Return the plan of a stage: its conditions and goodput in the status, its objects where they differ, its events.

    The status is written only if something besides the passing time has changed.
    """
    before = job.status
    conditions = update_conditions(
        status.conditions, stage.conditions, now=now, metadata_generation=job.metadata_generation
    )
    status = status.model_copy(update={**stage.update, "stage": stage.stage, "conditions": conditions})
    apply = changed_objects(stage.desired, live_objects)
    return Plan(
        status=with_goodput(before, status, ledger, created=job.created, now=now) if status != before else None,
        apply=apply,
        delete=stage.delete,
        events=(
            *failure_events(failures),
            *stage.events,
            *repair_events(apply, live_objects),
            *condition_events(before, status),
            *recovery_events(recoveries),
        ),
        requeue_after=stage.requeue_after,
    )


def rejected(job: Job, message: str, now: datetime) -> Plan:
    """Return the plan of a job of which the API server rejected an object; `message` is the server's."""
    before = job.status
    update = ConditionUpdate(
        type=JobCondition.SCHEDULED,
        status=False,
        reason=Reason.API_REJECTED,
        message=f"the Kubernetes API rejected an object of this job: {message}; "
        "remove the cause, such as an exhausted quota: the operator tries again by itself",
    )
    conditions = update_conditions(before.conditions, (update,), now=now, metadata_generation=job.metadata_generation)
    status = before.model_copy(update={"stage": before.stage or "Waiting", "conditions": conditions})
    return Plan(status=status if status != before else None, events=condition_events(before, status))
