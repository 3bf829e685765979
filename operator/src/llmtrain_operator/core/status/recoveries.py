"""What the coordinator tells of recoveries, as status, events and failures: each is taken over once."""

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import Failure, JobStatus, LastRecovery, RecoveriesByMethod
from llmtrain_api.names import worker_name
from llmtrain_api.protocol import CoordinatorStatus, RecoveryRecord
from llmtrain_operator.core.plan import Event


def new_recoveries(status: JobStatus, seen: CoordinatorStatus | None) -> tuple[RecoveryRecord, ...]:
    """Return the recoveries that are not in the status yet. Terms only grow, and so do the generations of one term."""
    last = status.recoveries.last
    known = (last.term, last.membership_generation) if last else (0, 0)
    return tuple(
        recovery for recovery in (seen.recoveries if seen else ()) if (recovery.term, recovery.generation) > known
    )


def with_recoveries(status: JobStatus, recoveries: tuple[RecoveryRecord, ...]) -> JobStatus:
    """Return `status` with recoveries counted by method."""
    if not recoveries:
        return status
    newest, before = recoveries[-1], status.recoveries
    by_method = RecoveriesByMethod(
        **{
            method: count + len([recovery for recovery in recoveries if recovery.method == method])
            for method, count in before.by_method.model_dump().items()
        }
    )
    last = LastRecovery(
        term=newest.term,
        membership_generation=newest.generation,
        method=newest.method,
        time=newest.time,
        seconds=f"{total_seconds(newest):.2f}",
        replayed_steps=newest.replayed_steps,
    )
    replayed_steps = before.replayed_steps + sum(recovery.replayed_steps for recovery in recoveries)
    after = before.model_copy(update={"by_method": by_method, "last": last, "replayed_steps": replayed_steps})
    return status.model_copy(update={"recoveries": after})


def process_failures(job: str, recoveries: tuple[RecoveryRecord, ...]) -> tuple[Failure, ...]:
    """Return the deaths of processes: their pods live on, so nobody else records them."""
    return tuple(
        Failure(
            pod=worker_name(job, death.worker),
            uid=f"term-{recovery.term}-generation-{recovery.generation}",
            node=death.node,
            time=recovery.time,
            exit_code=death.exit_code,
            reason="ProcessDied",
            message=f"rank {death.local_rank} of its pod: {death.message}"[:1024],
            last_lines=[line[:1000] for line in death.last_lines],
        )
        for recovery in recoveries
        if (death := recovery.process_failure) is not None
    )


def recovery_events(recoveries: tuple[RecoveryRecord, ...]) -> tuple[Event, ...]:
    """Return one event for each recovery."""
    return tuple(Event(type="Normal", reason=Reason.RECOVERED, message=describe(recovery)) for recovery in recoveries)


def describe(recovery: RecoveryRecord) -> str:
    """Return what a recovery took and cost."""
    parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in recovery.seconds_by_phase.items())
    took = {
        "process": "another process in the same pod",
        "pod": "the other pods",
        "checkpoint": "the newest checkpoint",
    }[recovery.method]
    return (
        f"generation {recovery.generation} broke; training goes on with {took} after {total_seconds(recovery):.2f} s "
        f"({parts}), {recovery.replayed_steps} steps were done again"
    )


def total_seconds(recovery: RecoveryRecord) -> float:
    """Return how long a recovery took in all."""
    return sum(recovery.seconds_by_phase.values())
