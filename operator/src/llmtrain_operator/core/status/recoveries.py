"""Recoveries that the coordinator reports, as status, failures and events. Each is recorded once.

A recovery is identified by the coordinator's term and the membership generation that lost a member. Terms only grow,
and so do the generations within a term; the status keeps the newest pair.
"""

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import Failure, JobStatus, LastRecovery, RecoveriesByMethod
from llmtrain_api.names import worker_name
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.recovery_record import ProcessFailure, RecoveryRecord
from llmtrain_operator.core.plan import Event
from llmtrain_operator.core.policies.incidents import PROCESS_DIED

METHODS = {
    "process": "another process in the same pod",
    "pod": "the other pods",
    "checkpoint": "the newest checkpoint",
}
"""What the training continued with, by method of the recovery."""


def new_recoveries(status: JobStatus, coordinator: CoordinatorStatus | None) -> tuple[RecoveryRecord, ...]:
    """Return the recoveries that the status does not record yet, oldest first."""
    last = status.recoveries.last
    newest_recorded = (last.term, last.membership_generation) if last else (0, 0)
    reported = coordinator.recoveries if coordinator else ()
    return tuple(recovery for recovery in reported if (recovery.term, recovery.generation) > newest_recorded)


def with_recoveries(status: JobStatus, recoveries: tuple[RecoveryRecord, ...]) -> JobStatus:
    """Return `status` with `recoveries` counted by method."""
    if not recoveries:
        return status
    newest, before = recoveries[-1], status.recoveries
    by_method = {
        method: count + len([recovery for recovery in recoveries if recovery.method == method])
        for method, count in before.by_method.model_dump().items()
    }
    last = LastRecovery(
        term=newest.term,
        membership_generation=newest.generation,
        method=newest.method,
        time=newest.time,
        seconds=f"{total_seconds(newest):.2f}",
        replayed_steps=newest.replayed_steps,
    )
    replayed_steps = before.replayed_steps + sum(recovery.replayed_steps for recovery in recoveries)
    update = {"by_method": RecoveriesByMethod(**by_method), "last": last, "replayed_steps": replayed_steps}
    return status.model_copy(update={"recoveries": before.model_copy(update=update)})


def process_failures(job: str, recoveries: tuple[RecoveryRecord, ...]) -> tuple[Failure, ...]:
    """Return the failures of trainer processes whose pods still run, and so do not count as failed pods."""
    return tuple(
        process_failure_of(job, recovery, recovery.process_failure)
        for recovery in recoveries
        if recovery.process_failure is not None
    )


def process_failure_of(job: str, recovery: RecoveryRecord, process: ProcessFailure) -> Failure:
    """Return the record of the process failure that led to a recovery of the job named `job`."""
    return Failure(
        pod=worker_name(job, process.worker),
        uid=f"term-{recovery.term}-generation-{recovery.generation}",
        node=process.node,
        time=recovery.time,
        term=recovery.term,
        membership_generation=recovery.generation,
        exit_code=process.exit_code,
        reason=PROCESS_DIED,
        message=f"rank {process.local_rank} of its pod: {process.message}"[:1024],
        last_lines=[line[:1000] for line in process.last_lines],
    )


def recovery_events(recoveries: tuple[RecoveryRecord, ...]) -> tuple[Event, ...]:
    """Return one event for each recovery."""
    return tuple(Event(type="Normal", reason=Reason.RECOVERED, message=describe(recovery)) for recovery in recoveries)


def describe(recovery: RecoveryRecord) -> str:
    """Return what a recovery used, how long it took by phase, and how many steps it replayed."""
    phases = ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in recovery.seconds_by_phase.items())
    return (
        f"generation {recovery.generation} lost a member; training continued with {METHODS[recovery.method]} after "
        f"{total_seconds(recovery):.2f} s ({phases}); {recovery.replayed_steps} steps were replayed"
    )


def total_seconds(recovery: RecoveryRecord) -> float:
    """Return the duration of a recovery, all phases together."""
    return sum(recovery.seconds_by_phase.values())
