"""Goodput: classifies each second of a job's lifetime, from membership changes and rank 0's progress reports.

A span of time is added to the ledger at its end, when its category is known; until then the ledger does not change.

- A progress report ends a span: compiling, evaluating and checkpoints took what rank 0 reports, and the rest went into
  steps, either new ones or replayed ones. The first report of a generation also covers the restore of the state, which
  has the category of the pause before that generation.
- The start of a generation ends a pause: the job was *starting* if it is the first generation, *recovering* if the
  previous one was broken, and otherwise *waiting* for workers that joined or left as requested.
- While a generation is broken, or while every member of one that ended normally has finished its last step, the pause
  is added as time passes. It includes the time since the last progress of a broken generation: that step is lost.
- A program that reports no progress counts as stepping while its generation runs.

A coordinator that adopts a generation counts only what rank 0 reports from then on: earlier reports are already in the
ledger that the operator stores. The time in between counts as steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmtrain_api.protocol import Progress, TimeSpent
from llmtrain_api.time_ledger import TimeCategory, TimeLedger
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.members import Phase


@dataclass(frozen=True, kw_only=True)
class Goodput:
    """The job's time ledger, and what is needed to continue it."""

    ledger: TimeLedger | None = None
    """None until the job's creation time is known."""
    stale: bool = False
    """Whether a previous coordinator may have exported a longer ledger: the operator stores it only periodically."""
    no_progress: bool = False
    """Whether the job's program reports no progress."""
    max_step: int = 0
    """Highest number of completed steps: lower ones are replayed."""
    generation: int = 0
    """The newest generation that began under this coordinator."""
    pause_category: TimeCategory = "starting"
    """Category of the time before that generation."""

    @property
    def exported_ledger(self) -> TimeLedger | None:
        """Return the ledger for counters, which must not decrease: None while it is stale."""
        return None if self.stale else self.ledger


def adopt(goodput: Goodput, ledger: TimeLedger | None, *, step: int = 0) -> Goodput:
    """Continue from the ledger and the step that the operator has stored, where they are ahead."""
    goodput = replace(goodput, max_step=max(goodput.max_step, step))
    own_ms = goodput.ledger.total_ms if goodput.ledger else -1
    if ledger is None or ledger.total_ms <= own_ms:
        return goodput
    return replace(goodput, ledger=ledger, stale=goodput.max_step > 0)


def on_group_change(goodput: Goodput, before: GroupState, after: GroupState, *, now_ms: int) -> Goodput:
    """Add the time until now to the ledger, if its category is known."""
    if after.progress is not None and after.progress is not before.progress:
        return _on_progress(goodput, before.progress, after.progress, now_ms)
    if after.running and after.generation > before.generation and after.adopted_at_seconds is None:
        category = _pause_category(goodput, before)
        goodput = _advance(goodput, now_ms, {}, category)
        return replace(goodput, generation=after.generation, pause_category=category)
    if after.running:
        return _advance(goodput, now_ms, {}, "stepping") if goodput.no_progress else goodput
    if after.generation == 0:
        return goodput  # a generation of a previous coordinator may still run; the operator counts the time
    if after.broken:
        return _advance(goodput, now_ms, {}, "recovering")
    if after.members.count(Phase.REJOINING):
        return goodput  # their last step is not reported yet
    return _advance(goodput, now_ms, {}, "waiting")


def _on_progress(goodput: Goodput, before: Progress | None, progress: Progress, now_ms: int) -> Goodput:
    restore_seconds = 0.0
    if before is not None and before.generation == progress.generation:
        counted = before.time_spent
    elif progress.generation == goodput.generation:
        counted, restore_seconds = TimeSpent(), progress.generation_start.seconds if progress.generation_start else 0.0
    else:
        counted = progress.time_spent
    seconds: Mapping[TimeCategory, float] = {
        goodput.pause_category: restore_seconds,
        "compiling": progress.time_spent.compiling - counted.compiling,
        "evaluating": progress.time_spent.evaluating - counted.evaluating,
        "checkpoint": progress.time_spent.checkpoint - counted.checkpoint,
    }
    is_new_step = before is None or (before.generation, before.step) != (progress.generation, progress.step)
    replayed = is_new_step and progress.step <= goodput.max_step
    goodput = _advance(goodput, now_ms, seconds, "replaying" if replayed else "stepping")
    return replace(goodput, max_step=max(goodput.max_step, progress.step))


def _pause_category(goodput: Goodput, before: GroupState) -> TimeCategory:
    """Return the category of the time before a generation; one that is replaced while it runs counts as broken."""
    if before.generation == 0:
        return "recovering" if goodput.max_step else "starting"
    return "recovering" if before.broken or before.running else "waiting"


def _advance(goodput: Goodput, now_ms: int, seconds: Mapping[TimeCategory, float], rest: TimeCategory) -> Goodput:
    """Extend the ledger to `now_ms`: `seconds` by category, and the `rest` of the time in one category."""
    if goodput.ledger is None:
        return goodput
    ledger = goodput.ledger.advance(now_ms, seconds, rest)
    return replace(goodput, ledger=ledger, stale=goodput.stale and ledger == goodput.ledger)
