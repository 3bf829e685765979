"""One LLMTrainingJob: computes a plan from its snapshot.

Within this package, `before` is the status as last written and `status` the one that the plan will write.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.protocol import RecoveryRecord
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.events import condition_events, failure_events, repair_events
from llmtrain_operator.core.objects.drift import changed_objects
from llmtrain_operator.core.objects.pod_group import API_VERSION as POD_GROUP_VERSION
from llmtrain_operator.core.plan import Event, Plan, pod_references
from llmtrain_operator.core.pod_view import pods_with_role
from llmtrain_operator.core.policies.admission import first_blocker, waiting_stage
from llmtrain_operator.core.policies.allowed import not_allowed, without_new_pods
from llmtrain_operator.core.policies.cleanup import plan_cleanup
from llmtrain_operator.core.policies.completion import failed, final_status_fields, is_finished, terminal_stage
from llmtrain_operator.core.policies.container_errors import next_start_check
from llmtrain_operator.core.policies.coordinator_loss import loss_events, lost_coordinators, replacements
from llmtrain_operator.core.policies.deadline import remaining_deadline, suspension_fields
from llmtrain_operator.core.policies.divergence import diverged_because, diverged_conditions
from llmtrain_operator.core.policies.failure_policy import (
    failure_budget,
    failure_of,
    must_be_recorded,
    new_failed_pods,
    record_failures,
    recorded_failed_pods,
)
from llmtrain_operator.core.policies.node_loss import doubt_conditions, doubt_ended_conditions, next_node_check
from llmtrain_operator.core.policies.placement import place
from llmtrain_operator.core.policies.refusal import applied_now, current_refusal, deleted_now, refusal_conditions
from llmtrain_operator.core.policies.restart_backoff import delay_restarts, delayed_restarts
from llmtrain_operator.core.policies.stuck_termination import report_stuck_pods
from llmtrain_operator.core.policies.suspend import resumed_conditions, suspend
from llmtrain_operator.core.policies.ttl import plan_ttl
from llmtrain_operator.core.policies.volume_access import needs_one_node
from llmtrain_operator.core.reported import within_bounds
from llmtrain_operator.core.snapshot import Images, Job, JobSnapshot, Refusal
from llmtrain_operator.core.stage_plan import StagePlan, update_conditions
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
from llmtrain_operator.core.status.write_delay import write_delay

NOW = timedelta(0)
"""A delay that is over."""


def plan_job(snapshot: JobSnapshot) -> Plan:
    """Return what the job needs now. A job that has ended is cleaned up, and deleted after its time to live."""
    snapshot = within_bounds(snapshot)
    job, pods, lost_nodes, now = snapshot.job, snapshot.pods, snapshot.lost_nodes, snapshot.now
    before = job.status
    if is_finished(before):
        after = plan_cleanup(pods, snapshot.objects, lost_nodes) or plan_ttl(job, before.finish_time, now)
        node_check = next_node_check(snapshot.nodes, node_seconds=job.spec.recovery.node_seconds, now=now)
        after = replace(after, requeue_after=earliest(after.requeue_after, node_check))
        refusal = current_refusal(job, after.apply, after.delete, last=snapshot.refusal, taken={})
        return hold_back(after, refusal, is_last=True)
    recoveries = new_recoveries(before, snapshot.coordinator)
    failed_pods = new_failed_pods(before, pods, lost_nodes)
    failures = (
        *(
            failure_of(pod, lost_nodes, now, term=before.coordinator_term, generation=snapshot.membership_generation)
            for pod in failed_pods
        ),
        *process_failures(job.name, recoveries),
    )
    status = next_status(snapshot, recoveries, failures)
    if (reason := diverged_because(status)) is not None:
        end: StagePlan | None = failed(*reason, final_status_fields(status, pods, now))
    else:
        end = terminal_stage(job, status, failures, pods=pods, now=now)
    if end is not None:
        return build_plan(snapshot, status, end, failures=failures, recoveries=recoveries)
    return build_plan(snapshot, status, next_stage(snapshot, status), failures=failures, recoveries=recoveries)


def next_status(
    snapshot: JobSnapshot, recoveries: tuple[RecoveryRecord, ...], failures: tuple[Failure, ...]
) -> JobStatus:
    """Return the status with what the snapshot shows; `recoveries` and `failures` are those it does not record yet."""
    job, pods = snapshot.job, snapshot.pods
    status = with_worker_counts(job.status, job, pods_with_role(pods, "worker"))
    status = with_progress(status, snapshot.coordinator)
    status = with_results(status, job.spec, pods, snapshot.lost_nodes)
    status = with_recoveries(status, recoveries)
    failed_pods = frozenset(pod.uid for pod in pods if must_be_recorded(pod, snapshot.lost_nodes))
    budget = failure_budget(job.spec.recovery)
    return record_failures(status, failures, budget, snapshot.now, existing=failed_pods)


def next_stage(snapshot: JobSnapshot, status: JobStatus) -> StagePlan:
    """Return the stage of a job that has not ended: suspended, or the next one of its work.

    Failed pods that the status records already are deleted here, and so replaced by the next plan.
    """
    job, pods, lost_nodes = snapshot.job, snapshot.pods, snapshot.lost_nodes
    if job.spec.suspend:
        stage = suspend(status, pods=pods, objects=snapshot.objects, lost_nodes=lost_nodes)
    else:
        stage = work_stage(snapshot, status)
    budget = failure_budget(job.spec.recovery)
    stage = delay_restarts(
        stage,
        delayed_restarts(status.recoveries.recent, budget, snapshot.now),
        existing={pod.name for pod in pods},
        window_seconds=budget.window_seconds,
        now=snapshot.now,
    )
    stage = report_stuck_pods(stage, pods, snapshot.now)
    coordinators = lost_coordinators(pods, snapshot.nodes, is_silent=snapshot.coordinator_lost)
    failed_pods = recorded_failed_pods(job.status, pods, lost_nodes)  # not those that only `status` records
    deadline = remaining_deadline(job.spec, status, snapshot.now)
    node_check = next_node_check(snapshot.nodes, node_seconds=job.spec.recovery.node_seconds, now=snapshot.now)
    start_check = next_start_check(pods, snapshot.now)
    return replace(
        stage,
        conditions=(
            *doubt_ended_conditions(snapshot.nodes, status.conditions),
            *stage.conditions,
            *diverged_conditions(status),
            *doubt_conditions(snapshot.nodes),
            *resumed_conditions(status, suspended=job.spec.suspend),
        ),
        delete=(*stage.delete, *replacements(coordinators), *pod_references(failed_pods, lost_nodes)),
        events=(*stage.events, *loss_events(coordinators)),
        update={**stage.update, **suspension_fields(job.spec, status, snapshot.now)},
        requeue_after=earliest(stage.requeue_after, deadline, node_check, start_check),
    )


def work_stage(snapshot: JobSnapshot, status: JobStatus) -> StagePlan:
    """Return the next stage of a job's work: prepare, train or publish; or that it waits to be admitted."""
    job, pods, images, lost_nodes = snapshot.job, snapshot.pods, snapshot.images, snapshot.lost_nodes
    blocker = first_blocker(
        job,
        snapshot.cluster,
        clusters=snapshot.clusters,
        claims=snapshot.claims,
        capacities=snapshot.capacities,
    )
    denial = not_allowed(job, snapshot.cluster)
    blocker = blocker or denial
    if blocker is not None and not pods:  # a running job outlives its LLMCluster
        return waiting_stage(blocker)
    starting = status.start_time is None
    start = start_fields(job, images, format_rfc3339(snapshot.now)) if starting else {}
    status = status.model_copy(update=start)
    pool = place(job.spec.workers, status, snapshot.cluster, snapshot.capacities)
    if status.dataset is None and job.spec.entrypoint is None:
        stage = prepare(job, status, pods=pods, pull_policy=images.pull_policy, pool=pool)
    elif not status.training_completed:
        stage = train(
            job,
            status,
            pods=pods,
            coordinator=snapshot.coordinator,
            images=images,
            gang_available=snapshot.gang_available,
            pool=pool,
            one_node=needs_one_node(job.spec, snapshot.cluster, snapshot.claims),
            lost_nodes=lost_nodes,
        )
    else:
        stage = publish(job, status, pods=pods, pull_policy=images.pull_policy, pool=pool, lost_nodes=lost_nodes)
    shared = shared_objects(job, snapshot.cluster, claims=snapshot.claims, objects=snapshot.objects)
    stage = replace(
        stage,
        desired=(*shared, *stage.desired),
        events=no_gang_events(job, gang_available=snapshot.gang_available) if starting else (),
        update={**stage.update, **start, **({"pool": pool.name} if pool else {})},
    )
    return without_new_pods(stage, denial)


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
    snapshot: JobSnapshot,
    status: JobStatus,
    stage: StagePlan,
    *,
    failures: tuple[Failure, ...] = (),
    recoveries: tuple[RecoveryRecord, ...] = (),
) -> Plan:
    """Return the plan of a stage: its conditions and goodput in the status, its objects where they differ, its events.

    The status is written only if something besides the passing time has changed, and figures not each time they do.
    """
    job, now, live_objects = snapshot.job, snapshot.now, snapshot.live_objects
    before = job.status
    apply = changed_objects(stage.desired, live_objects, snapshot.unrepairable)
    refusal = current_refusal(job, apply, stage.delete, last=snapshot.refusal, taken=snapshot.taken)
    conditions = update_conditions(
        status.conditions,
        (*stage.conditions, *refusal_conditions(refusal)),
        now=now,
        metadata_generation=job.metadata_generation,
    )
    status = status.model_copy(update={**stage.update, "stage": stage.stage, "conditions": conditions})
    delay = write_delay(before, status, snapshot.status_age)
    plan = Plan(
        status=with_goodput(before, status, snapshot.ledger, created=job.created, now=now) if delay == NOW else None,
        apply=apply,
        delete=stage.delete,
        requeue_after=earliest(stage.requeue_after, delay),
    )
    plan = hold_back(plan, refusal, is_last=refusal == snapshot.refusal)
    return replace(
        plan,
        events=(
            *failure_events(failures),
            *stage.events,
            *repair_events(plan.apply, live_objects),
            *condition_events(before, status),
            *recovery_events(recoveries),
        ),
    )


def hold_back(plan: Plan, refusal: Refusal | None, *, is_last: bool) -> Plan:
    """Return a plan without the requests that wait because of `refusal`; `is_last` is whether it is the server's last."""
    if refusal is None:
        return plan
    return replace(
        plan,
        apply=applied_now(refusal, plan.apply),
        delete=deleted_now(refusal, plan.delete),
        requeue_after=earliest(plan.requeue_after, refusal.retry_after),
        refused=is_last,
    )


def earliest(*delays: timedelta | None) -> timedelta | None:
    """Return the shortest of the delays that are not over; None if there is none."""
    return min((delay for delay in delays if delay is not None and delay > NOW), default=None)
