"""A recovery is recorded with its method and the duration of each phase."""

from llmtrain_api.protocol import GenerationStart, Leave, Progress
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.recovery_log import RecoveryLog, on_group_change, record_failure
from unit.coordinator.messages import apply, disconnect, heartbeat, join, leave, progress

TWO_ACTIVE_RANKS = ((0.0, join("a0")), (0.0, join("a1")), (1.0, progress(1, 7)))


def report(generation: int, step: int, start_step: int, source: str = "Memory") -> Progress:
    """Return progress of a generation that started at `start_step`, half a second after its rendezvous."""
    start = GenerationStart.model_validate({"step": start_step, "source": source, "seconds": 0.5})
    return progress(generation, step).model_copy(update={"generation_start": start})


def failure(incarnation: str, unresponsive_seconds: float = 0.0) -> Leave:
    """Return a supervisor's report on a rank that was killed."""
    fields = {
        "exit_code": -9,
        "message": "a trainer process was killed by SIGKILL",
        "unresponsive_seconds": unresponsive_seconds,
    }
    return leave(incarnation, "Failed").model_copy(update=fields)


def log_after(*messages: tuple[float, object], no_progress: bool = False) -> RecoveryLog:
    """Return the log after messages at given seconds; None lets time pass."""
    group, log = GroupState(workers=2, ranks_per_worker=1, term=3), RecoveryLog()
    for now, message in messages:
        before = group
        if message is not None:
            group = apply(group, message, now).group
        log = on_group_change(log, before, group, now_seconds=now, time=f"at {now:g} s", no_progress=no_progress)
        if isinstance(message, Leave):
            log = record_failure(log, message)
    return log


def only_record(log: RecoveryLog) -> RecoveryRecord:
    """Return the record of the only recovery, which is closed."""
    (record,) = log.newest
    assert log.open is None
    return record


def test_a_stopped_member_is_no_recovery() -> None:
    messages = (*TWO_ACTIVE_RANKS, (2.0, leave("a1", "Stopped")), (2.1, join("a0", 1)), (3.0, report(2, 8, 7)))
    assert log_after(*messages) == RecoveryLog()


def test_a_process_failure_that_its_supervisor_reports_is_recovered_by_process() -> None:
    log = log_after(
        *TWO_ACTIVE_RANKS, (2.0, disconnect("a1")), (2.05, failure("a1")), (2.25, join("a0", 1)), (3.0, report(2, 8, 7))
    )
    record = only_record(log)
    assert (record.term, record.generation, record.method, record.replayed_steps) == (3, 1, "process", 0)
    assert record.seconds_by_phase == {"detect": 0.0, "rendezvous": 0.25, "restore": 0.5, "replay": 0.0}
    assert record.process_failure is not None
    assert (record.process_failure.worker, record.process_failure.exit_code) == (1, -9)
    assert log.counts == {"process": 1}
    assert log.seconds["process", "rendezvous"] == 0.25


def test_without_a_supervisors_report_within_a_second_the_pod_is_lost() -> None:
    messages = (*TWO_ACTIVE_RANKS, (2.0, disconnect("a1")), (2.25, join("a0", 1)), (2.5, report(2, 8, 7)))
    assert log_after(*messages, (2.9, None)).open is not None
    assert only_record(log_after(*messages, (3.0, None))).method == "pod"
    assert only_record(log_after(*messages, (2.9, failure("a1")), (2.95, None))).method == "process"


def test_peers_can_notice_a_failure_before_the_coordinator() -> None:
    messages = (*TWO_ACTIVE_RANKS, (2.0, join("a0", 1)), (2.1, disconnect("a1")), (2.5, report(2, 8, 7)), (3.1, None))
    record = only_record(log_after(*messages))
    assert (record.method, record.generation) == ("pod", 1)


def test_a_newcomer_that_fails_before_its_first_generation_is_no_recovery() -> None:
    messages = (*TWO_ACTIVE_RANKS, (2.0, leave("a1", "Stopped")), (2.1, join("a0", 1)), (3.0, report(2, 8, 7)))
    assert log_after(*messages, (4.0, join("b1")), (4.1, disconnect("b1"))) == RecoveryLog()


def test_lost_steps_are_replayed_from_the_checkpoint() -> None:
    messages = (
        *TWO_ACTIVE_RANKS,
        (2.0, disconnect("a1")),
        (2.0, disconnect("a0")),
        (5.0, join("b0")),
        (5.0, join("b1")),
        (6.0, report(2, 5, 4, "Checkpoint")),
        (7.0, report(2, 7, 4, "Checkpoint")),
    )
    assert log_after(*messages).open is not None
    log = log_after(*messages, (8.0, report(2, 8, 4, "Checkpoint")))
    record = only_record(log)
    assert (record.method, record.replayed_steps, log.replayed_steps) == ("checkpoint", 3, 3)
    assert record.seconds_by_phase == {"detect": 0.0, "rendezvous": 3.0, "restore": 0.5, "replay": 2.0}


def test_the_time_that_a_hung_rank_was_unresponsive_counts_as_detection() -> None:
    messages = (*TWO_ACTIVE_RANKS, (2.0, failure("a1", 301.0)), (2.25, join("a0", 1)), (3.0, report(2, 8, 7)))
    assert only_record(log_after(*messages)).detect_seconds == 301.0


def test_a_failure_during_a_recovery_extends_it() -> None:
    messages = (
        *TWO_ACTIVE_RANKS,
        (2.0, disconnect("a1")),
        (2.5, join("a0", 1)),
        (2.6, disconnect("a0")),
        (4.0, join("b0")),
        (5.0, report(3, 8, 7)),
    )
    record = only_record(log_after(*messages))
    assert (record.generation, record.rendezvous_seconds) == (1, 2.0)


def test_without_progress_reports_the_recovery_closes_with_the_rendezvous() -> None:
    messages = (*TWO_ACTIVE_RANKS[:2], (2.0, disconnect("a1")), (2.5, join("a0", 1)), (2.9, None))
    assert log_after(*messages, no_progress=True).open is not None
    record = only_record(log_after(*messages, (3.0, None), no_progress=True))
    assert (record.method, record.seconds_by_phase["rendezvous"]) == ("pod", 0.5)


def test_a_member_of_an_adopted_generation_is_recovered_too() -> None:
    adopted = ((0.0, heartbeat("a0", 7)), (0.0, heartbeat("a1", 7)), (1.0, progress(7, 7)))
    failed = ((2.0, disconnect("a1")), (2.05, failure("a1")), (2.25, join("a0", 7)), (3.0, report(8, 8, 7)))
    record = only_record(log_after(*adopted, *failed))
    assert (record.generation, record.method) == (7, "process")
