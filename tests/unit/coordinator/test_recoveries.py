"""A recovery is read off the roster: what broke, what it took, and how long each part was."""

from llmtrain_api.protocol import GenerationStart, Leave, Progress, RecoveryRecord
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.recovery_log import RecoveryLog, on_group_change, record_failure
from unit.coordinator.messages import beating, joining, leaving, progressing, turn, vanishing

BOTH = ((0.0, joining("a0")), (0.0, joining("a1")), (1.0, progressing(1, 7)))


def stepping(generation: int, step: int, began: int, source: str = "Memory") -> Progress:
    """Progress in a generation that began at step `began`, half a second after it was agreed on."""
    start = GenerationStart.model_validate({"step": began, "source": source, "seconds": 0.5})
    return progressing(generation, step).model_copy(update={"generation_start": start})


def buried(incarnation: str, silent_seconds: float = 0.0) -> Leave:
    """What a supervisor says of a rank."""
    told = {
        "exit_code": -9,
        "message": "a trainer process was killed by SIGKILL",
        "unresponsive_seconds": silent_seconds,
    }
    return leaving(incarnation, "Failed").model_copy(update=told)


def after(*said: tuple[float, object], no_progress: bool = False) -> RecoveryLog:
    """Return the ledger after messages at given seconds; None lets time pass."""
    roster, ledger = GroupState(workers=2, ranks_per_worker=1, term=3), RecoveryLog()
    for now, message in said:
        former = roster
        if message is not None:
            roster = turn(roster, message, now).roster
        ledger = on_group_change(ledger, former, roster, now_seconds=now, time=f"at {now:g} s", no_progress=no_progress)
        if isinstance(message, Leave):
            ledger = record_failure(ledger, message)
    return ledger


def only(ledger: RecoveryLog) -> RecoveryRecord:
    (recovery,) = ledger.newest
    assert ledger.open is None
    return recovery


def test_nothing_is_recovered_from_while_all_is_well() -> None:
    assert (
        after(*BOTH, (2.0, leaving("a1", "Stopped")), (2.1, joining("a0", 1)), (3.0, stepping(2, 8, 7)))
        == RecoveryLog()
    )


def test_a_process_that_its_supervisor_buried() -> None:
    ledger = after(
        *BOTH, (2.0, vanishing("a1")), (2.05, buried("a1")), (2.25, joining("a0", 1)), (3.0, stepping(2, 8, 7))
    )
    recovery = only(ledger)
    assert (recovery.term, recovery.generation, recovery.method, recovery.replayed_steps) == (3, 1, "process", 0)
    assert recovery.seconds_by_phase == {"detect": 0.0, "rendezvous": 0.25, "restore": 0.5, "replay": 0.0}
    assert recovery.process_failure is not None
    assert (recovery.process_failure.worker, recovery.process_failure.exit_code) == (1, -9)
    assert ledger.count == {"process": 1}
    assert ledger.seconds["process", "rendezvous"] == 0.25


def test_a_supervisors_word_is_waited_for_then_it_is_the_pod() -> None:
    said = (*BOTH, (2.0, vanishing("a1")), (2.25, joining("a0", 1)), (2.5, stepping(2, 8, 7)))
    assert after(*said, (2.9, None)).open is not None
    assert only(after(*said, (3.0, None))).method == "pod"
    assert only(after(*said, (2.9, buried("a1")), (2.95, None))).method == "process"


def test_the_others_may_notice_before_the_coordinator_does() -> None:
    said = (*BOTH, (2.0, joining("a0", 1)), (2.1, vanishing("a1")), (2.5, stepping(2, 8, 7)), (3.1, None))
    assert (only(after(*said)).method, only(after(*said)).generation) == ("pod", 1)


def test_a_newcomer_that_dies_before_it_takes_part_breaks_nothing() -> None:
    said = (*BOTH, (2.0, leaving("a1", "Stopped")), (2.1, joining("a0", 1)), (3.0, stepping(2, 8, 7)))
    assert after(*said, (4.0, joining("b1")), (4.1, vanishing("b1"))) == RecoveryLog()


def test_steps_that_were_lost_are_replayed_from_the_checkpoint() -> None:
    said = (
        *BOTH,
        (2.0, vanishing("a1")),
        (2.0, vanishing("a0")),
        (5.0, joining("b0")),
        (5.0, joining("b1")),
        (6.0, stepping(2, 5, 4, "Checkpoint")),
        (7.0, stepping(2, 7, 4, "Checkpoint")),
    )
    assert after(*said).open is not None
    ledger = after(*said, (8.0, stepping(2, 8, 4, "Checkpoint")))
    recovery = only(ledger)
    assert (recovery.method, recovery.replayed_steps, ledger.replayed_steps) == ("checkpoint", 3, 3)
    assert recovery.seconds_by_phase == {"detect": 0.0, "rendezvous": 3.0, "restore": 0.5, "replay": 2.0}


def test_a_hung_rank_was_silent_before() -> None:
    said = (*BOTH, (2.0, buried("a1", 301.0)), (2.25, joining("a0", 1)), (3.0, stepping(2, 8, 7)))
    assert only(after(*said)).detect_seconds == 301.0


def test_another_death_on_the_way_is_the_same_recovery() -> None:
    said = (
        *BOTH,
        (2.0, vanishing("a1")),
        (2.5, joining("a0", 1)),
        (2.6, vanishing("a0")),
        (4.0, joining("b0")),
        (5.0, stepping(3, 8, 7)),
    )
    recovery = only(after(*said))
    assert (recovery.generation, recovery.rendezvous_seconds) == (1, 2.0)


def test_a_program_that_tells_nothing_has_recovered_when_its_ranks_agree() -> None:
    joined = ((0.0, joining("a0")), (0.0, joining("a1")))
    said = (*joined, (2.0, vanishing("a1")), (2.5, joining("a0", 1)), (2.9, None))
    assert after(*said, no_progress=True).open is not None
    recovery = only(after(*said, (3.0, None), no_progress=True))
    assert (recovery.method, recovery.seconds_by_phase["rendezvous"]) == ("pod", 0.5)


def test_a_member_of_a_generation_that_was_taken_over_is_mourned() -> None:
    said = ((0.0, beating("a0", 7)), (0.0, beating("a1", 7)), (1.0, progressing(7, 7)))
    recovery = only(
        after(*said, (2.0, vanishing("a1")), (2.05, buried("a1")), (2.25, joining("a0", 7)), (3.0, stepping(8, 8, 7)))
    )
    assert (recovery.generation, recovery.method) == (7, "process")
