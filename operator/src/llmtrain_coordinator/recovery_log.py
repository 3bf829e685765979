"""What each recovery cost: read off how the roster changes, and what trainers and supervisors say.

A recovery opens when a generation loses a member, be it that the others noticed first and it has ended, and closes with the first step that had not been done before.
Its seconds are those to *detect* that a member was gone, to *agree* on the next generation, to *restore* the state on
all ranks, and to *replay* steps that were done and lost. Its method is the cheapest thing that helped: another process in
the same pod, another pod, or for all the newest checkpoint, if no living rank held the state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from llmtrain_api.protocol import GenerationStart, Leave, Member, ProcessFailure, RecoveryMethod, RecoveryRecord
from llmtrain_coordinator.group import GroupState, Phase

SETTLE_SECONDS = 1.0
"""How long a supervisor's word is waited for: a pod whose supervisor says nothing is gone."""
MOST_KEPT = 16


@dataclass(frozen=True, kw_only=True)
class OpenRecovery:
    """A recovery that goes on. Times are seconds of the coordinator's clock."""

    term: int
    generation: int
    """The one that broke."""
    time: str
    lost: Mapping[str, Member]
    """Who is missing, by incarnation."""
    lost_at: float
    step: int
    """Steps done when it broke."""
    detect_seconds: float = 0.0
    death: ProcessFailure | None = None
    agreed_generation: int = 0
    agreed_at: float | None = None
    began: GenerationStart | None = None
    restored_at: float = 0.0
    caught_up_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class RecoveryLog:
    """The recoveries of one job, since this coordinator began."""

    open: OpenRecovery | None = None
    newest: tuple[RecoveryRecord, ...] = ()
    count: Mapping[RecoveryMethod, int] = field(default_factory=lambda: MappingProxyType({}))
    seconds: Mapping[tuple[RecoveryMethod, str], float] = field(default_factory=lambda: MappingProxyType({}))
    """By method and part."""
    replayed_steps: int = 0


def on_group_change(
    ledger: RecoveryLog,
    before: GroupState,
    after: GroupState,
    *,
    now_seconds: float,
    time: str,
    no_progress: bool = False,
) -> RecoveryLog:
    """Follow one change of the roster, or the passing of time; an `no_progress` program tells no progress."""
    now = ledger.open
    if after.lost_members > before.lost_members:
        gone = {name: seat for name, seat in before.seats.items() if name not in after.seats}
        missing = {name: seat.member for name, seat in gone.items()}
        if now is None and any(seat.phase is not Phase.JOINED for seat in gone.values()):
            step = before.progress.step if before.progress else 0
            now = OpenRecovery(
                term=before.term, generation=before.number, time=time, lost=missing, lost_at=now_seconds, step=step
            )
        elif now is not None:
            now = replace(now, lost={**now.lost, **missing}, agreed_at=None, began=None, caught_up_at=None)
    if now is not None and after.running and (now.agreed_at is None or after.number > now.agreed_generation):
        now = replace(now, agreed_generation=after.number, agreed_at=now_seconds, began=None, caught_up_at=None)
    now = _with_progress(now, after, now_seconds) if now else None
    if now is not None and no_progress:
        now = replace(now, caught_up_at=now.agreed_at)  # nobody will tell more of it
    if now is not None and now.caught_up_at is not None and (now.death or now_seconds - now.lost_at >= SETTLE_SECONDS):
        return _close(ledger, now)
    return replace(ledger, open=now)


def record_failure(ledger: RecoveryLog, leave: Leave) -> RecoveryLog:
    """Note what a supervisor says of a process it buried, or how long a lost one had been silent."""
    now = ledger.open
    if now is None or leave.incarnation not in now.lost:
        return ledger
    detect = max(now.detect_seconds, leave.unresponsive_seconds)
    member = now.lost[leave.incarnation]
    death = now.death
    if leave.exit_code is not None and death is None:
        death = ProcessFailure(
            worker=member.worker,
            local_rank=member.local_rank,
            node=member.node,
            exit_code=leave.exit_code,
            message=leave.message,
            last_lines=leave.last_lines,
        )
    return replace(ledger, open=replace(now, detect_seconds=detect, death=death))


def _with_progress(now: OpenRecovery, roster: GroupState, now_seconds: float) -> OpenRecovery:
    """Return `now` with the first step of the new generation noted, and the first that is new."""
    progress = roster.progress
    if now.agreed_at is None or progress is None or progress.generation != now.agreed_generation:
        return now
    if now.began is None and progress.generation_start is not None:
        now = replace(now, began=progress.generation_start, restored_at=now_seconds)
    if now.caught_up_at is None and progress.step > now.step:
        now = replace(now, caught_up_at=now_seconds)
    return now


def _close(ledger: RecoveryLog, now: OpenRecovery) -> RecoveryLog:
    assert now.agreed_at is not None
    assert now.caught_up_at is not None
    began = now.began
    in_memory = began is None or began.source == "Memory"
    method: RecoveryMethod = "checkpoint" if not in_memory else "process" if now.death else "pod"
    replayed_steps = max(0, now.step - began.step) if began else 0
    recovery = RecoveryRecord(
        term=now.term,
        generation=now.generation,
        method=method,
        time=now.time,
        detect_seconds=now.detect_seconds,
        rendezvous_seconds=now.agreed_at - now.lost_at,
        restore_seconds=began.seconds if began else 0.0,
        replay_seconds=now.caught_up_at - now.restored_at if replayed_steps else 0.0,
        replayed_steps=replayed_steps,
        process_failure=now.death,
    )
    seconds = {**ledger.seconds}
    for part, taken in recovery.seconds_by_phase.items():
        seconds[method, part] = seconds.get((method, part), 0.0) + taken
    return RecoveryLog(
        newest=(*ledger.newest, recovery)[-MOST_KEPT:],
        count={**ledger.count, method: ledger.count.get(method, 0) + 1},
        seconds=seconds,
        replayed_steps=ledger.replayed_steps + replayed_steps,
    )
