"""Records what each recovery cost, from membership changes, progress reports and supervisors' failure reports.

A recovery opens when a generation loses a member, even if its peers noticed first and it has already ended. It closes
at the first step that is not a replay. Its phases: *detect* that a member is gone, the *rendezvous* of the next
generation, *restore* the state on every rank, and *replay* the steps that were lost. Its method is the cheapest
sufficient one: a new process in the same pod, a new pod, or the newest checkpoint if no live rank held the state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from llmtrain_api.protocol import GenerationStart, Leave, Member
from llmtrain_api.recovery_record import ProcessFailure, RecoveryMethod, RecoveryRecord
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.members import Phase

FAILURE_REPORT_SECONDS = 1.0
"""How long to wait for a supervisor's failure report; without one, the whole pod is gone."""
MAX_RECORDS = 16
"""Number of newest records that are kept."""


@dataclass(frozen=True, kw_only=True)
class OpenRecovery:
    """A recovery in progress. Times are seconds of the coordinator's monotonic clock."""

    term: int
    generation: int
    """The generation that broke."""
    time: str
    """When it broke, RFC 3339."""
    lost_members: Mapping[str, Member]
    """The members it lost, by incarnation."""
    lost_at_seconds: float
    step: int
    """Steps completed when it broke."""
    detect_seconds: float = 0.0
    process_failure: ProcessFailure | None = None
    next_generation: int = 0
    """The generation that the survivors formed, once `rendezvous_at_seconds` is set."""
    rendezvous_at_seconds: float | None = None
    generation_start: GenerationStart | None = None
    restored_at_seconds: float = 0.0
    caught_up_at_seconds: float | None = None
    """When the first step was done that is not a replay."""


@dataclass(frozen=True, kw_only=True)
class RecoveryLog:
    """The recoveries of one job since this coordinator started."""

    open: OpenRecovery | None = None
    newest: tuple[RecoveryRecord, ...] = ()
    counts: Mapping[RecoveryMethod, int] = field(default_factory=lambda: MappingProxyType({}))
    """Closed recoveries by method."""
    seconds: Mapping[tuple[RecoveryMethod, str], float] = field(default_factory=lambda: MappingProxyType({}))
    """Their duration by method and phase."""
    replayed_steps: int = 0


def on_group_change(
    recovery_log: RecoveryLog,
    before: GroupState,
    after: GroupState,
    *,
    now_seconds: float,
    time: str,
    no_progress: bool = False,
) -> RecoveryLog:
    """Open, update or close a recovery after a change of the group, or after time has passed.

    With `no_progress` the program reports no steps: its recovery closes with the rendezvous.
    """
    recovery = recovery_log.open
    if after.lost_members > before.lost_members:
        recovery = _with_losses(recovery, before, after, now_seconds, time)
    if recovery is None:
        return recovery_log
    if after.running and (recovery.rendezvous_at_seconds is None or after.generation > recovery.next_generation):
        recovery = replace(
            recovery,
            next_generation=after.generation,
            rendezvous_at_seconds=now_seconds,
            generation_start=None,
            caught_up_at_seconds=None,
        )
    recovery = _with_progress(recovery, after, now_seconds)
    if no_progress:
        recovery = replace(recovery, caught_up_at_seconds=recovery.rendezvous_at_seconds)
    failure_known = recovery.process_failure or now_seconds - recovery.lost_at_seconds >= FAILURE_REPORT_SECONDS
    if recovery.caught_up_at_seconds is not None and failure_known:
        return _close(recovery_log, recovery)
    return replace(recovery_log, open=recovery)


def record_failure(recovery_log: RecoveryLog, leave: Leave) -> RecoveryLog:
    """Add a supervisor's report on a failed process to the open recovery, or how long a lost one was unresponsive."""
    recovery = recovery_log.open
    if recovery is None or leave.incarnation not in recovery.lost_members:
        return recovery_log
    member = recovery.lost_members[leave.incarnation]
    failure = recovery.process_failure
    if leave.exit_code is not None and failure is None:
        failure = ProcessFailure(
            worker=member.worker,
            local_rank=member.local_rank,
            node=member.node,
            exit_code=leave.exit_code,
            message=leave.message,
            last_lines=leave.last_lines,
        )
    detect_seconds = max(recovery.detect_seconds, leave.unresponsive_seconds)
    return replace(recovery_log, open=replace(recovery, detect_seconds=detect_seconds, process_failure=failure))


def _with_losses(
    recovery: OpenRecovery | None, before: GroupState, after: GroupState, now_seconds: float, time: str
) -> OpenRecovery | None:
    """Return the recovery with the members lost by this change; a loss before the end of one restarts its phases."""
    gone = {name: state for name, state in before.members.items() if name not in after.members}
    lost_members = {name: state.member for name, state in gone.items()}
    if recovery is not None:
        return replace(
            recovery,
            lost_members={**recovery.lost_members, **lost_members},
            rendezvous_at_seconds=None,
            generation_start=None,
            caught_up_at_seconds=None,
        )
    if all(state.phase is Phase.JOINED for state in gone.values()):
        return None  # it had not been part of a generation yet
    return OpenRecovery(
        term=before.term,
        generation=before.generation,
        time=time,
        lost_members=lost_members,
        lost_at_seconds=now_seconds,
        step=before.progress.step if before.progress else 0,
    )


def _with_progress(recovery: OpenRecovery, group: GroupState, now_seconds: float) -> OpenRecovery:
    """Return the recovery with the new generation's first step recorded, and its first one that is not a replay."""
    progress = group.progress
    if recovery.rendezvous_at_seconds is None or progress is None or progress.generation != recovery.next_generation:
        return recovery
    if recovery.generation_start is None and progress.generation_start is not None:
        recovery = replace(recovery, generation_start=progress.generation_start, restored_at_seconds=now_seconds)
    if recovery.caught_up_at_seconds is None and progress.step > recovery.step:
        recovery = replace(recovery, caught_up_at_seconds=now_seconds)
    return recovery


def _close(recovery_log: RecoveryLog, recovery: OpenRecovery) -> RecoveryLog:
    assert recovery.rendezvous_at_seconds is not None
    assert recovery.caught_up_at_seconds is not None
    start = recovery.generation_start
    in_memory = start is None or start.source == "Memory"
    method: RecoveryMethod = "checkpoint" if not in_memory else "process" if recovery.process_failure else "pod"
    replayed_steps = max(0, recovery.step - start.step) if start else 0
    record = RecoveryRecord(
        term=recovery.term,
        generation=recovery.generation,
        method=method,
        time=recovery.time,
        detect_seconds=recovery.detect_seconds,
        rendezvous_seconds=recovery.rendezvous_at_seconds - recovery.lost_at_seconds,
        restore_seconds=start.seconds if start else 0.0,
        replay_seconds=recovery.caught_up_at_seconds - recovery.restored_at_seconds if replayed_steps else 0.0,
        replayed_steps=replayed_steps,
        process_failure=recovery.process_failure,
    )
    seconds = {**recovery_log.seconds}
    for phase, taken in record.seconds_by_phase.items():
        seconds[method, phase] = seconds.get((method, phase), 0.0) + taken
    return RecoveryLog(
        newest=(*recovery_log.newest, record)[-MAX_RECORDS:],
        counts={**recovery_log.counts, method: recovery_log.counts.get(method, 0) + 1},
        seconds=seconds,
        replayed_steps=recovery_log.replayed_steps + replayed_steps,
    )
