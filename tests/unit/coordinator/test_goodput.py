"""Each second of a job's lifetime has one category, taken from membership changes and progress reports."""

from llmtrain_api.protocol import DesiredWorkers, GenerationStart, Progress, TimeSpent
from llmtrain_api.time_ledger import TimeCategory, TimeLedger, new_ledger
from llmtrain_coordinator.goodput import Goodput, adopt, on_group_change
from llmtrain_coordinator.group import GroupState
from unit.coordinator.messages import apply, disconnect, expire, heartbeat, join, leave, progress, scale

CREATED_MS = 1_000_000
CHECK_MS = 100
"""How often a coordinator checks leases."""
BOTH_JOIN = ((2.0, join("a0")), (3.0, join("a1")))


def report(generation: int, step: int, restore: float = 0.0, **spent: float) -> Progress:
    """Return progress of a generation whose ranks had the state after `restore` seconds."""
    start = GenerationStart(step=0, source="Memory", seconds=restore)
    return progress(generation, step).model_copy(update={"generation_start": start, "time_spent": TimeSpent(**spent)})


def stored(seconds: float, step: int = 0, **spent: float) -> DesiredWorkers:
    """Return the operator's request with its ledger up to `seconds` after the job's creation, and its last known step."""
    ms: dict[TimeCategory, int] = {category: round(took * 1000) for category, took in spent.items()}  # type: ignore[misc]
    return scale(2).model_copy(
        update={"ledger": TimeLedger(until_ms=CREATED_MS + round(seconds * 1000), ms=ms), "step": step}
    )


def goodput_after(
    *messages: tuple[float, object], since: float = 0.0, ledger: TimeLedger | None = None, no_progress: bool = False
) -> Goodput:
    """Return the goodput after messages at seconds since the job's creation; None lets time pass.

    Between them the coordinator checks leases, as it always does.
    """
    group = GroupState(workers=2, ranks_per_worker=1)
    goodput, now_ms = Goodput(ledger=ledger, no_progress=no_progress), round(since * 1000)
    for seconds, message in messages:
        while now_ms + CHECK_MS < seconds * 1000:
            now_ms += CHECK_MS
            before, group = group, apply(group, expire(), now_ms / 1000).group
            goodput = on_group_change(goodput, before, group, now_ms=CREATED_MS + now_ms)
        now_ms, before = round(seconds * 1000), group
        if isinstance(message, DesiredWorkers):
            goodput = adopt(goodput, message.ledger, step=message.step)
        if message is not None:
            group = apply(group, message, seconds).group
        goodput = on_group_change(goodput, before, group, now_ms=CREATED_MS + now_ms)
    return goodput


def seconds_of(goodput: Goodput) -> dict[str, float]:
    """Return the seconds by category, which add up to the job's lifetime."""
    assert goodput.ledger is not None
    assert goodput.ledger.total_ms == goodput.ledger.until_ms - CREATED_MS
    return {category: ms / 1000 for category, ms in goodput.ledger.ms.items()}


def seconds_after(*messages: tuple[float, object], no_progress: bool = False) -> dict[str, float]:
    """Return the seconds by category under the job's first coordinator."""
    return seconds_of(goodput_after(*messages, ledger=new_ledger(CREATED_MS), no_progress=no_progress))


def replacement_after(*messages: tuple[float, object]) -> Goodput:
    """Return the goodput of a coordinator that starts 100 s after the job's creation."""
    return goodput_after(*messages, since=100.0)


def test_a_job_starts_compiles_and_steps() -> None:
    messages = (*BOTH_JOIN, (5.0, report(1, 1, compiling=1.5)), (7.0, report(1, 9, compiling=1.5, evaluating=0.5)))
    assert seconds_after(*messages) == {"starting": 3.0, "compiling": 1.5, "stepping": 2.0, "evaluating": 0.5}


def test_the_first_report_classifies_the_time_before_it() -> None:
    first = report(1, 1, restore=2.0, compiling=60.0, evaluating=30.0, checkpoint=5.0)
    seconds = seconds_after(*BOTH_JOIN, (103.0, first))
    assert seconds == {"starting": 5.0, "compiling": 60.0, "evaluating": 30.0, "checkpoint": 5.0, "stepping": 3.0}


def test_time_is_counted_once_its_category_is_known() -> None:
    assert seconds_after(*BOTH_JOIN, (5.0, report(1, 1)), (9.0, None)) == {"starting": 3.0, "stepping": 2.0}


def test_a_program_that_reports_no_progress_counts_as_stepping() -> None:
    messages = (*BOTH_JOIN, (9.0, disconnect("a1")), (9.5, join("a0", 1)), (12.0, None))
    assert seconds_after(*messages, no_progress=True) == {"starting": 3.0, "stepping": 8.4, "recovering": 0.6}


def test_the_time_after_a_broken_generation_is_recovering() -> None:
    messages = (
        *BOTH_JOIN,
        (5.0, report(1, 9)),
        (6.0, disconnect("a1")),
        (6.5, join("a0", 1)),
        (7.0, None),
        (8.0, report(2, 10, restore=0.5, compiling=0.25)),
    )
    assert seconds_after(*messages) == {"starting": 3.0, "stepping": 2.75, "recovering": 2.0, "compiling": 0.25}


def test_a_member_that_joins_again_breaks_its_generation() -> None:
    messages = (*BOTH_JOIN, (5.0, report(1, 9)), (6.0, join("a0", 1)), (6.0, join("a1", 1)), (7.0, report(2, 10)))
    assert seconds_after(*messages) == {"starting": 3.0, "stepping": 3.0, "recovering": 1.0}


def test_lost_steps_are_replayed() -> None:
    messages = (
        *BOTH_JOIN,
        (5.0, report(1, 9)),
        (6.0, disconnect("a1")),
        (6.0, disconnect("a0")),
        (8.0, join("b0")),
        (8.0, join("b1")),
        (9.0, report(2, 8)),
        (9.5, report(2, 9)),
        (10.0, report(2, 10)),
    )
    assert seconds_after(*messages) == {"starting": 3.0, "stepping": 2.5, "recovering": 3.0, "replaying": 1.5}


def test_a_generation_that_ends_unbroken_finishes_its_step_and_waits() -> None:
    messages = (
        *BOTH_JOIN,
        (5.0, report(1, 9)),
        (6.0, leave("a1", "Stopped")),
        (35.0, report(1, 10)),
        (35.5, join("a0", 1)),
        (66.5, report(2, 11, restore=1.0)),
    )
    assert seconds_after(*messages) == {"starting": 3.0, "stepping": 62.0, "waiting": 1.5}


def test_ranks_below_the_minimum_wait() -> None:
    messages = (
        (0.0, scale(2, 2)),
        *BOTH_JOIN,
        (5.0, report(1, 9)),
        (5.0, leave("a1", "Stopped")),
        (5.5, join("a0", 1)),
        (8.0, None),
    )
    assert seconds_after(*messages) == {"starting": 3.0, "stepping": 2.0, "waiting": 3.0}


def test_the_last_checkpoint_is_reported_with_the_last_step() -> None:
    messages = (*BOTH_JOIN, (5.0, report(1, 10)), (7.0, report(1, 10, checkpoint=1.5)), (7.5, leave("a0", "Finished")))
    assert seconds_after(*messages) == {"starting": 3.0, "stepping": 2.5, "checkpoint": 1.5}


STORED = stored(95.0, step=95, starting=5.0, compiling=20.0, stepping=70.0)
ADOPTED = ((100.5, heartbeat("a0", 7)), (100.5, heartbeat("a1", 7)))
SPENT_BEFORE = {"compiling": 20.0, "checkpoint": 4.0}


def test_a_replacement_coordinator_continues_from_the_stored_ledger() -> None:
    seconds = seconds_of(replacement_after(*ADOPTED, (105.0, STORED), (106.0, report(7, 99, **SPENT_BEFORE))))
    assert seconds == {"starting": 5.0, "compiling": 20.0, "stepping": 81.0}


def test_what_rank_0_reported_before_the_ledger_arrived_is_not_counted_twice() -> None:
    first = ((101.0, report(7, 96, **SPENT_BEFORE)), (105.0, STORED))
    seconds = seconds_of(replacement_after(*first, (106.0, report(7, 99, compiling=20.0, checkpoint=4.5))))
    assert seconds == {"starting": 5.0, "compiling": 20.0, "stepping": 80.5, "checkpoint": 0.5}


def test_a_replacement_coordinator_counts_nothing_before_it_adopts_a_generation() -> None:
    messages = ((100.5, STORED), (108.0, heartbeat("a0", 7)), (109.0, report(7, 99, **SPENT_BEFORE)))
    assert seconds_of(replacement_after(*messages)) == {"starting": 5.0, "compiling": 20.0, "stepping": 84.0}


def test_steps_that_were_lost_with_the_coordinator_are_replayed() -> None:
    joined = ((110.0, join("b0")), (110.0, join("b1")))
    messages = ((100.5, STORED), *joined, (112.0, report(1, 95)), (113.0, report(1, 96)))
    assert seconds_of(replacement_after(*messages)) == {
        "starting": 5.0,
        "compiling": 20.0,
        "stepping": 71.0,
        "recovering": 15.0,
        "replaying": 2.0,
    }


def test_counters_are_exported_once_the_ledger_is_not_stale() -> None:
    assert goodput_after((1.0, stored(1.0, queued=1.0))).exported_ledger is not None
    assert replacement_after(*ADOPTED, (105.0, STORED)).exported_ledger is None
    caught_up = replacement_after(*ADOPTED, (105.0, STORED), (106.0, report(7, 99)))
    assert caught_up.exported_ledger == caught_up.ledger


def test_the_longer_ledger_is_kept() -> None:
    ahead = Goodput(ledger=TimeLedger(until_ms=CREATED_MS + 96_000, ms={"stepping": 96_000}))
    assert adopt(ahead, STORED.ledger) == ahead
