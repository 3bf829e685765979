"""A stage of a job, as a plan: its status if that has changed, its objects where they differ, its events."""

from dataclasses import replace

from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_operator.core.events import condition_events, failure_events, repair_events
from llmtrain_operator.core.objects.coordinator import ROLE, newest_term
from llmtrain_operator.core.objects.drift import changed_objects
from llmtrain_operator.core.plan import NOW, Plan, earliest
from llmtrain_operator.core.pod_view import pods_with_role
from llmtrain_operator.core.policies.refusal import (
    applied_now,
    creations_first,
    deleted_now,
    is_due,
    outstanding_refusals,
    refusal_conditions,
)
from llmtrain_operator.core.snapshot import JobSnapshot, Refusal
from llmtrain_operator.core.stage_plan import StagePlan, update_conditions
from llmtrain_operator.core.status.bad_steps import bad_step_events
from llmtrain_operator.core.status.goodput import with_goodput
from llmtrain_operator.core.status.recoveries import recovery_events
from llmtrain_operator.core.status.results import missing_class_events
from llmtrain_operator.core.status.write_delay import decisions, write_delay


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
    apply = creations_first(changed_objects(stage.desired, live_objects, snapshot.unrepairable))
    refusals = outstanding_refusals(job, apply, stage.delete, last=snapshot.refusals, taken=snapshot.taken)
    conditions = update_conditions(
        status.conditions,
        (*stage.conditions, *refusal_conditions(refusals)),
        now=now,
        metadata_generation=job.metadata_generation,
    )
    applied = applied_now(refusals, apply)
    term = newest_term(status, (*applied, *(pod.manifest for pod in pods_with_role(snapshot.pods, ROLE))))
    status = status.model_copy(
        update={**stage.update, "stage": stage.stage, "conditions": conditions, "coordinator_term": term}
    )
    delay = write_delay(before, status, snapshot.status_age)
    plan = Plan(
        status=with_goodput(before, status, snapshot.ledger, created=job.created, now=now) if delay == NOW else None,
        apply=apply,
        delete=stage.delete,
        requeue_after=earliest(stage.requeue_after, delay),
        poll_after=stage.poll_after,
        decides=decisions(status) != decisions(before),
    )
    plan = hold_back(plan, refusals)
    return replace(
        plan,
        events=(
            *failure_events(failures),
            *stage.events,
            *repair_events(plan.apply, live_objects),
            *condition_events(before, status),
            *recovery_events(recoveries),
            *(bad_step_events(before, status) if plan.status is not None else ()),
            *(missing_class_events(before, status) if plan.status is not None else ()),
        ),
    )


def hold_back(plan: Plan, refusals: tuple[Refusal, ...]) -> Plan:
    """Return a plan without the requests that wait because of refusals."""
    waiting = (refusal.retry_after for refusal in refusals if not is_due(refusal))
    return replace(
        plan,
        apply=applied_now(refusals, plan.apply),
        delete=deleted_now(refusals, plan.delete),
        requeue_after=earliest(plan.requeue_after, *waiting),
        refused=frozenset(refusal.request for refusal in refusals),
    )
