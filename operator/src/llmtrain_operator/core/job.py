"""One LLMTrainingJob: computes a plan from its snapshot.

Within this package, `before` is the status as last written and `status` the one that the plan will write.
"""

from dataclasses import replace
from typing import Any

from llmtrain_api.conditions import Reason
from llmtrain_api.job_results import ModelSourceStatus
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.names import coordinator_name
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.job_plan import build_plan, hold_back
from llmtrain_operator.core.objects.pod_group import API_VERSION as POD_GROUP_VERSION
from llmtrain_operator.core.plan import NOW, Event, Plan, earliest, object_references, pod_references
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.policies.admission import first_blocker, missing_own_pool, waiting_stage
from llmtrain_operator.core.policies.allowed import not_allowed, without_new_pods
from llmtrain_operator.core.policies.cleanup import keeps_ended_pods, plan_cleanup
from llmtrain_operator.core.policies.completion import (
    failed,
    final_status_fields,
    finished_status,
    has_succeeded,
    is_finished,
    terminal_stage,
)
from llmtrain_operator.core.policies.container_errors import next_start_check
from llmtrain_operator.core.policies.coordinator_loss import (
    loss_events,
    loss_records,
    lost_coordinators,
    replacements,
    suspect_nodes,
)
from llmtrain_operator.core.policies.coordinator_unreachable import reached_conditions, unreachable_conditions
from llmtrain_operator.core.policies.deadline import remaining_deadline, suspension_fields
from llmtrain_operator.core.policies.divergence import diverged_because, diverged_conditions
from llmtrain_operator.core.policies.failed_pods import failed_pod_entries
from llmtrain_operator.core.policies.failure_policy import (
    failure_budget,
    failure_of,
    must_be_recorded,
    new_failed_pods,
    record_failures,
    recorded_failed_pods,
    recorded_uids,
)
from llmtrain_operator.core.policies.failure_rules import apply_rules
from llmtrain_operator.core.policies.final_answer import awaits_final_answer
from llmtrain_operator.core.policies.incidents import incidents_in_window
from llmtrain_operator.core.policies.node_loss import doubt_conditions, doubt_ended_conditions, next_node_check
from llmtrain_operator.core.policies.outdated_pods import updated_conditions
from llmtrain_operator.core.policies.placement import fitting_workers, place
from llmtrain_operator.core.policies.refusal import is_rejected, outstanding_refusals
from llmtrain_operator.core.policies.restart_backoff import delay_restarts, delayed_restarts
from llmtrain_operator.core.policies.source_job import missing_model, model_source, with_model_source
from llmtrain_operator.core.policies.stuck_termination import report_stuck_pods
from llmtrain_operator.core.policies.suspend import resumed_conditions, suspend
from llmtrain_operator.core.policies.ttl import plan_ttl
from llmtrain_operator.core.policies.volume_access import needs_one_node
from llmtrain_operator.core.policies.volume_binding import report_unbound_claims
from llmtrain_operator.core.pools import NO_CAPACITY
from llmtrain_operator.core.reported import within_bounds
from llmtrain_operator.core.snapshot import Images, Job, JobSnapshot
from llmtrain_operator.core.stage_plan import StagePlan
from llmtrain_operator.core.stages.pods import shared_objects
from llmtrain_operator.core.stages.prepare import needed_pods, prepare, without_helpers
from llmtrain_operator.core.stages.publish import publish
from llmtrain_operator.core.stages.train import train
from llmtrain_operator.core.status.bad_steps import with_bad_steps
from llmtrain_operator.core.status.progress import with_progress
from llmtrain_operator.core.status.recoveries import (
    new_recoveries,
    process_failures,
    with_recoveries,
)
from llmtrain_operator.core.status.results import with_results
from llmtrain_operator.core.status.workers import with_worker_counts


def plan_job(snapshot: JobSnapshot) -> Plan:
    """Return what the job needs now. One that has ended or is being deleted is cleaned up; the former expires later."""
    snapshot = within_bounds(snapshot)
    job, pods, lost_nodes, now = snapshot.job, snapshot.pods, snapshot.lost_nodes, snapshot.now
    before = job.status
    if job.deleting or is_finished(before):
        return plan_ended(snapshot)
    recoveries = new_recoveries(before, snapshot.coordinator)
    failed_pods = new_failed_pods(before, needed_pods(pods, before.dataset), lost_nodes)
    new_failures = (
        *(
            failure_of(pod, lost_nodes, now, term=before.coordinator_term, generation=snapshot.membership_generation)
            for pod in failed_pods
        ),
        *process_failures(job.name, recoveries),
    )
    failures = apply_rules(job.spec.recovery.rules, new_failures)
    status = next_status(snapshot, recoveries, failures)
    if (reason := diverged_because(status)) is not None:
        end: StagePlan | None = failed(*reason, final_status_fields(status, pods, now))
    else:
        end = terminal_stage(job, status, failures, pods=pods, now=now)
    stage = end or next_stage(snapshot, status)
    answers, is_asked = snapshot.coordinator is not None, snapshot.coordinator_asked
    if awaits_final_answer(pods, stage.delete, is_end=end is not None, answers=answers, is_asked=is_asked):
        return Plan(refused=frozenset(refusal.request for refusal in snapshot.refusals), poll_after=NOW)
    return build_plan(snapshot, status, stage, failures=failures, recoveries=recoveries)


def plan_ended(snapshot: JobSnapshot) -> Plan:
    """Return what a job needs that has ended or is being deleted: its pods and objects are deleted, then a finished job."""
    job, pods, now = snapshot.job, snapshot.pods, snapshot.now
    status = job.status if job.deleting else finished_status(job.status, pods, job.metadata_generation)
    expired = Plan() if job.deleting else plan_ttl(job, status.finish_time, now)
    keep_ended = not job.deleting and keeps_ended_pods(job.spec.pod_cleanup, succeeded=has_succeeded(status))
    after = plan_cleanup(pods, snapshot.objects, snapshot.lost_nodes, keep_ended=keep_ended) or expired
    node_check = next_node_check(snapshot.nodes, node_seconds=job.spec.recovery.node_seconds, now=now)
    after = replace(
        after,
        status=status if status != job.status else None,
        requeue_after=earliest(after.requeue_after, node_check),
    )
    return hold_back(after, outstanding_refusals(job, after.apply, after.delete, last=snapshot.refusals, taken={}))


def next_status(
    snapshot: JobSnapshot, recoveries: tuple[RecoveryRecord, ...], failures: tuple[Failure, ...]
) -> JobStatus:
    """Return the status with what the snapshot shows; `recoveries` and `failures` are those it does not record yet."""
    job, pods = snapshot.job, snapshot.pods
    status = with_worker_counts(job.status, job, pods_with_role(pods, "worker"))
    status = with_progress(status, snapshot.coordinator)
    status = with_bad_steps(status, snapshot.coordinator)
    status = with_results(status, job.spec, pods, snapshot.lost_nodes)
    status = with_recoveries(status, recoveries)
    losses = loss_records(lost_coordinators_of(snapshot), recorded_uids(job.status), snapshot.now)
    failed_pods = frozenset(pod.uid for pod in pods if must_be_recorded(pod, snapshot.lost_nodes))
    budget = failure_budget(job.spec.recovery)
    return record_failures(status, (*failures, *losses), budget, snapshot.now, existing=failed_pods)


def lost_coordinators_of(snapshot: JobSnapshot) -> tuple[PodView, ...]:
    """Return the coordinator that is lost and replaced."""
    return lost_coordinators(
        snapshot.pods,
        snapshot.nodes,
        snapshot.silence,
        recent=snapshot.job.status.recoveries.recent,
        budget=failure_budget(snapshot.job.spec.recovery),
        now=snapshot.now,
    )


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
        delayed_restarts(failed_pod_entries(status.recoveries, budget).values(), budget, snapshot.now),
        existing={pod.name for pod in pods},
        budget=budget,
        incidents=len(incidents_in_window(status.recoveries.times, budget, snapshot.now)),
        now=snapshot.now,
    )
    stage = report_unbound_claims(stage, snapshot.unbound_claims)
    stage = report_stuck_pods(stage, pods, snapshot.now)
    coordinators = lost_coordinators_of(snapshot)
    failed_pods = recorded_failed_pods(job.status, pods, lost_nodes)  # not those that only `status` records
    deadline = remaining_deadline(job.spec, status, snapshot.now)
    node_check = next_node_check(snapshot.nodes, node_seconds=job.spec.recovery.node_seconds, now=snapshot.now)
    start_check = next_start_check(pods, snapshot.now)
    return replace(
        stage,
        conditions=(
            *doubt_ended_conditions(snapshot.nodes, status.conditions),
            *reached_conditions(snapshot.silence, status.conditions),
            *stage.conditions,
            *diverged_conditions(job.spec.training, status),
            *unreachable_conditions(snapshot.silence, pods, job=job, images=snapshot.images),
            *doubt_conditions(snapshot.nodes),
            *resumed_conditions(status, suspended=job.spec.suspend),
            *updated_conditions(job.spec, status, pods),
        ),
        delete=(*stage.delete, *replacements(coordinators), *pod_references(failed_pods, lost_nodes)),
        events=(*stage.events, *loss_events(loss_records(coordinators, recorded_uids(job.status), snapshot.now))),
        update={**stage.update, **suspension_fields(job.spec, status, snapshot.now)},
        requeue_after=earliest(stage.requeue_after, deadline, node_check, start_check),
    )


def work_stage(snapshot: JobSnapshot, status: JobStatus) -> StagePlan:
    """Return the next stage of a job's work: prepare, train or publish; or that it waits to be admitted."""
    located = model_source(snapshot.job, snapshot.source_job)
    job, pods = with_model_source(snapshot.job, located), snapshot.pods
    images, lost_nodes = snapshot.images, snapshot.lost_nodes
    blocker = first_blocker(
        job,
        snapshot.cluster,
        clusters=snapshot.clusters,
        claims=snapshot.claims,
        capacities=snapshot.capacities,
        cluster_error=snapshot.cluster_error,
    )
    blocker = blocker or missing_model(job, snapshot.source_job, snapshot.source_error, snapshot.source_cycle)
    denial = not_allowed(job, snapshot.cluster)
    blocker = blocker or denial
    if blocker is not None and not pods:  # a running job outlives its LLMCluster
        return waiting_stage(blocker)
    starting = status.start_time is None
    start = start_fields(job, images, format_rfc3339(snapshot.now), located) if starting else {}
    status = status.model_copy(update=start)
    error = snapshot.cluster_error
    unplaced = missing_own_pool(job, status, snapshot.cluster, pods=pods, cluster_error=error)
    pool = None if unplaced else place(job.spec.workers, status, snapshot.cluster, snapshot.capacities)
    if status.dataset is None and job.spec.entrypoint is None:
        one_node = needs_one_node(job.spec, snapshot.cluster, snapshot.claims)
        stage = prepare(job, status, pods=pods, pull_policy=images.pull_policy, pool=pool, one_node=one_node)
    elif not status.training_completed:
        stage = train(
            job,
            status,
            pods=pods,
            coordinator=snapshot.coordinator,
            images=images,
            token=snapshot.token,
            token_created=snapshot.token_created,
            gang_available=snapshot.gang_available,
            pool=pool,
            gang_workers=fitting_workers(
                job.spec.workers, pool, snapshot.capacities.get(pool.name, NO_CAPACITY) if pool else NO_CAPACITY
            ),
            one_node=needs_one_node(job.spec, snapshot.cluster, snapshot.claims),
            lost_nodes=lost_nodes,
            avoid_nodes=suspect_nodes(status.recoveries.recent, snapshot.now),
            coordinator_refused=is_rejected(snapshot.refusals, ("Pod", coordinator_name(job.name))),
        )
    else:
        stage = publish(job, status, pods=pods, pull_policy=images.pull_policy, pool=pool, lost_nodes=lost_nodes)
    if stage.stage != "Preparing":
        stage = without_helpers(stage, pods, lost_nodes)
    shared = shared_objects(
        job,
        snapshot.cluster,
        claims=snapshot.claims,
        objects=snapshot.objects,
        coordinator_from=images.coordinator_from,
    )
    dropped = ("NetworkPolicy",) if images.coordinator_from is None else ()
    stage = replace(
        stage,
        desired=(*shared, *stage.desired),
        delete=(*stage.delete, *object_references(snapshot.objects, dropped)),
        events=no_gang_events(job, gang_available=snapshot.gang_available) if starting else (),
        update={
            **stage.update,
            **start,
            **({} if unplaced or snapshot.cluster is None else {"pool": pool.name if pool else ""}),
        },
    )
    return without_new_pods(stage, denial or unplaced)


def start_fields(job: Job, images: Images, now: str, located: ModelSourceStatus | None) -> dict[str, Any]:
    """Return the fields of the status that are set at the start. A started job keeps its images, and the place `located` of its model."""
    default = images.trainer if job.spec.workers.gpus else images.trainer_cpu
    return {
        "start_time": now,
        "trainer_image": job.spec.image or default,
        "coordinator_image": images.coordinator,
        "model_source": located,
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
