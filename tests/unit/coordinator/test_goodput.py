"""What the seconds go into is read off the roster and what the first rank tells; they always add up to the life."""

from llmtrain_api.goodput import Account, born
from llmtrain_api.membership import Progress, Spent
from llmtrain_coordinator.goodput import Goodput, adopt, live
from llmtrain_coordinator.roster import Roster
from unit.coordinator.trainers import joining, leaving, progressing, turn, vanishing

BIRTH_MS = 1_000_000
BOTH = ((2.0, joining("a0")), (3.0, joining("a1")))


def stepping(generation: int, step: int, **spent: float) -> Progress:
    return progressing(generation, step).model_copy(update={"spent": Spent(**spent)})


def after(*said: tuple[float, object]) -> dict[str, float]:
    """Return the seconds by kind after messages at given seconds of the job's life; None lets time pass."""
    roster, goodput = Roster(workers=2, ranks_per_worker=1), Goodput(account=born(BIRTH_MS))
    for now, message in said:
        former = roster
        if message is not None:
            roster = turn(roster, message, now).roster
        goodput = live(goodput, former, roster, now_ms=BIRTH_MS + round(now * 1000))
    assert goodput.account is not None
    assert goodput.account.life_ms == goodput.account.until_ms - BIRTH_MS
    return {kind: ms / 1000 for kind, ms in goodput.account.ms.items()}


def test_it_starts_compiles_and_steps() -> None:
    said = (*BOTH, (5.0, stepping(1, 1, compiling=1.5)), (7.0, stepping(1, 9, compiling=1.5, evaluating=0.5)))
    assert after(*said) == {"starting": 3.0, "compiling": 1.5, "stepping": 2.0, "evaluating": 0.5}


def test_the_present_is_accounted_for_when_it_is_known_what_it_was() -> None:
    assert after(*BOTH, (5.0, stepping(1, 1)), (9.0, None)) == {"starting": 3.0, "stepping": 2.0}


def test_a_program_that_tells_nothing_is_taken_to_step() -> None:
    roster, goodput = Roster(workers=1, ranks_per_worker=1), Goodput(account=born(BIRTH_MS), unseen=True)
    begun = turn(roster, joining("a0"), 2.0).roster
    goodput = live(goodput, roster, begun, now_ms=BIRTH_MS + 2000)
    goodput = live(goodput, begun, begun, now_ms=BIRTH_MS + 9000)
    assert goodput.account is not None
    assert goodput.account.ms == {"starting": 2000, "stepping": 7000}


def test_a_broken_generation_is_recovered_from() -> None:
    said = (
        *BOTH, (5.0, stepping(1, 9)), (6.0, vanishing("a1")), (6.5, joining("a0", 1)), (7.0, None),
        (8.0, stepping(2, 10, compiling=0.25)),
    )  # fmt: skip
    assert after(*said) == {"starting": 3.0, "stepping": 2.75, "recovering": 2.0, "compiling": 0.25}


def test_steps_that_were_lost_are_replayed() -> None:
    said = (
        *BOTH, (5.0, stepping(1, 9)), (6.0, vanishing("a1")), (6.0, vanishing("a0")), (8.0, joining("b0")),
        (8.0, joining("b1")), (9.0, stepping(2, 8)), (10.0, stepping(2, 10)),
    )  # fmt: skip
    assert after(*said) == {"starting": 3.0, "stepping": 3.0, "recovering": 3.0, "replaying": 1.0}


def test_whoever_leaves_as_asked_is_waited_for() -> None:
    said = (*BOTH, (5.0, stepping(1, 9)), (6.0, leaving("a1", "Stopped")), (6.5, joining("a0", 1)))
    assert after(*said)["waiting"] == 0.5


def test_a_new_coordinator_goes_on_from_the_operators_account() -> None:
    kept = Account(until_ms=BIRTH_MS + 60_000, ms={"stepping": 50_000, "starting": 10_000})
    assert adopt(Goodput(), kept).account == kept
    ahead = Goodput(account=Account(until_ms=BIRTH_MS + 61_000, ms={"stepping": 61_000}))
    assert adopt(ahead, kept) == ahead
