"""What the seconds go into is read off the roster and what the first rank tells; they always add up to the life."""

from llmtrain_api.protocol import DesiredWorkers, GenerationStart, Progress, TimeSpent
from llmtrain_api.time_ledger import TimeCategory, TimeLedger, new_ledger
from llmtrain_coordinator.goodput import Goodput, adopt, on_group_change
from llmtrain_coordinator.group import GroupState
from unit.coordinator.messages import beating, joining, leaving, progressing, turn, vanishing, wanting

BIRTH_MS = 1_000_000
LOOK_MS = 100
"""How often a coordinator looks at leases, whatever else happens."""
BOTH = ((2.0, joining("a0")), (3.0, joining("a1")))


def stepping(generation: int, step: int, handover: float = 0.0, **spent: float) -> Progress:
    """Progress of a generation whose ranks had the state after `handover` seconds."""
    began = GenerationStart(step=0, source="Memory", seconds=handover)
    return progressing(generation, step).model_copy(
        update={"generation_start": began, "time_spent": TimeSpent(**spent)}
    )


def kept(seconds: float, step: int = 0, **spent: float) -> DesiredWorkers:
    """What the operator tells: the account up to an instant of the job's life, and the step it saw last."""
    ms: dict[TimeCategory, int] = {kind: round(took * 1000) for kind, took in spent.items()}  # type: ignore[misc]
    return wanting(2).model_copy(
        update={"ledger": TimeLedger(until_ms=BIRTH_MS + round(seconds * 1000), ms=ms), "step": step}
    )


def lived(
    *said: tuple[float, object], since: float = 0.0, account: TimeLedger | None = None, no_progress: bool = False
) -> Goodput:
    """Return the account after messages at given seconds of the job's life; None lets time pass.

    In between the coordinator looks at leases, as it always does.
    """
    roster = GroupState(workers=2, ranks_per_worker=1)
    goodput, now_ms = Goodput(account=account, no_progress=no_progress), round(since * 1000)
    for seconds, message in said:
        while now_ms + LOOK_MS < seconds * 1000:
            now_ms += LOOK_MS
            former, roster = roster, turn(roster, frozenset(), now_ms / 1000).roster
            goodput = on_group_change(goodput, former, roster, now_ms=BIRTH_MS + now_ms)
        now_ms, former = round(seconds * 1000), roster
        if isinstance(message, DesiredWorkers):
            goodput = adopt(goodput, message.ledger, step=message.step)
        if message is not None:
            roster = turn(roster, message, seconds).roster
        goodput = on_group_change(goodput, former, roster, now_ms=BIRTH_MS + now_ms)
    return goodput


def seconds(goodput: Goodput) -> dict[str, float]:
    """Return the seconds by kind; their sum is the life."""
    assert goodput.account is not None
    assert goodput.account.total_ms == goodput.account.until_ms - BIRTH_MS
    return {kind: ms / 1000 for kind, ms in goodput.account.ms.items()}


def after(*said: tuple[float, object], no_progress: bool = False) -> dict[str, float]:
    """Return what the seconds went into under one coordinator."""
    return seconds(lived(*said, account=new_ledger(BIRTH_MS), no_progress=no_progress))


def replaced(*said: tuple[float, object]) -> Goodput:
    """Return the account of a coordinator that came 100 s into the job's life."""
    return lived(*said, since=100.0)


def test_it_starts_compiles_and_steps() -> None:
    said = (*BOTH, (5.0, stepping(1, 1, compiling=1.5)), (7.0, stepping(1, 9, compiling=1.5, evaluating=0.5)))
    assert after(*said) == {"starting": 3.0, "compiling": 1.5, "stepping": 2.0, "evaluating": 0.5}


def test_the_first_step_tells_what_the_time_before_it_went_into() -> None:
    first = stepping(1, 1, handover=2.0, compiling=60.0, evaluating=30.0, checkpoint=5.0)
    told = after(*BOTH, (103.0, first))
    assert told == {"starting": 5.0, "compiling": 60.0, "evaluating": 30.0, "checkpoint": 5.0, "stepping": 3.0}


def test_the_present_is_accounted_for_when_it_is_known_what_it_was() -> None:
    assert after(*BOTH, (5.0, stepping(1, 1)), (9.0, None)) == {"starting": 3.0, "stepping": 2.0}


def test_a_program_that_tells_nothing_is_taken_to_step() -> None:
    said = (*BOTH, (9.0, vanishing("a1")), (9.5, joining("a0", 1)), (12.0, None))
    assert after(*said, no_progress=True) == {"starting": 3.0, "stepping": 8.4, "recovering": 0.6}


def test_a_broken_generation_is_recovered_from() -> None:
    said = (
        *BOTH,
        (5.0, stepping(1, 9)),
        (6.0, vanishing("a1")),
        (6.5, joining("a0", 1)),
        (7.0, None),
        (8.0, stepping(2, 10, handover=0.5, compiling=0.25)),
    )
    assert after(*said) == {"starting": 3.0, "stepping": 2.75, "recovering": 2.0, "compiling": 0.25}


def test_a_member_that_joins_again_has_left_its_generation_broken() -> None:
    said = (*BOTH, (5.0, stepping(1, 9)), (6.0, joining("a0", 1)), (6.0, joining("a1", 1)), (7.0, stepping(2, 10)))
    assert after(*said) == {"starting": 3.0, "stepping": 3.0, "recovering": 1.0}


def test_steps_that_were_lost_are_replayed() -> None:
    said = (
        *BOTH,
        (5.0, stepping(1, 9)),
        (6.0, vanishing("a1")),
        (6.0, vanishing("a0")),
        (8.0, joining("b0")),
        (8.0, joining("b1")),
        (9.0, stepping(2, 8)),
        (9.5, stepping(2, 9)),
        (10.0, stepping(2, 10)),
    )
    assert after(*said) == {"starting": 3.0, "stepping": 2.5, "recovering": 3.0, "replaying": 1.5}


def test_what_ends_in_peace_does_its_last_step_and_waits() -> None:
    said = (
        *BOTH,
        (5.0, stepping(1, 9)),
        (6.0, leaving("a1", "Stopped")),
        (35.0, stepping(1, 10)),
        (35.5, joining("a0", 1)),
        (66.5, stepping(2, 11, handover=1.0)),
    )
    assert after(*said) == {"starting": 3.0, "stepping": 62.0, "waiting": 1.5}


def test_too_few_wait_for_the_others() -> None:
    said = (
        (0.0, wanting(2, 2)),
        *BOTH,
        (5.0, stepping(1, 9)),
        (5.0, leaving("a1", "Stopped")),
        (5.5, joining("a0", 1)),
        (8.0, None),
    )
    assert after(*said) == {"starting": 3.0, "stepping": 2.0, "waiting": 3.0}


def test_the_end_of_the_last_checkpoint_is_told_with_the_step_before_it() -> None:
    said = (*BOTH, (5.0, stepping(1, 10)), (7.0, stepping(1, 10, checkpoint=1.5)), (7.5, leaving("a0", "Finished")))
    assert after(*said) == {"starting": 3.0, "stepping": 2.5, "checkpoint": 1.5}


OPERATORS = kept(95.0, step=95, starting=5.0, compiling=20.0, stepping=70.0)
TAKEN_OVER = ((100.5, beating("a0", 7)), (100.5, beating("a1", 7)))
OLD = {"compiling": 20.0, "checkpoint": 4.0}


def test_a_new_coordinator_goes_on_from_the_operators_account() -> None:
    told = seconds(replaced(*TAKEN_OVER, (105.0, OPERATORS), (106.0, stepping(7, 99, **OLD))))
    assert told == {"starting": 5.0, "compiling": 20.0, "stepping": 81.0}


def test_what_a_rank_told_the_coordinator_before_is_in_the_account() -> None:
    first = ((101.0, stepping(7, 96, **OLD)), (105.0, OPERATORS))
    told = seconds(replaced(*first, (106.0, stepping(7, 99, compiling=20.0, checkpoint=4.5))))
    assert told == {"starting": 5.0, "compiling": 20.0, "stepping": 80.5, "checkpoint": 0.5}


def test_a_coordinator_that_knows_of_no_generation_waits_for_one_to_take_over() -> None:
    told = seconds(replaced((100.5, OPERATORS), (108.0, beating("a0", 7)), (109.0, stepping(7, 99, **OLD))))
    assert told == {"starting": 5.0, "compiling": 20.0, "stepping": 84.0}


def test_steps_that_were_lost_with_the_coordinator_are_replayed() -> None:
    joined = ((110.0, joining("b0")), (110.0, joining("b1")))
    told = seconds(replaced((100.5, OPERATORS), *joined, (112.0, stepping(1, 95)), (113.0, stepping(1, 96))))
    assert told == {"starting": 5.0, "compiling": 20.0, "stepping": 71.0, "recovering": 15.0, "replaying": 2.0}


def test_counters_are_told_only_when_they_have_caught_up() -> None:
    assert lived((1.0, kept(1.0, queued=1.0))).counted is not None
    assert replaced(*TAKEN_OVER, (105.0, OPERATORS)).counted is None
    caught_up = replaced(*TAKEN_OVER, (105.0, OPERATORS), (106.0, stepping(7, 99)))
    assert caught_up.counted == caught_up.account


def test_the_account_that_goes_further_counts() -> None:
    ahead = Goodput(account=TimeLedger(until_ms=BIRTH_MS + 96_000, ms={"stepping": 96_000}))
    assert adopt(ahead, OPERATORS.ledger) == ahead
