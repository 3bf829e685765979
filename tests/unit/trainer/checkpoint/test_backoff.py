"""Attempts are spaced, end after a limit, and show the watchdog that the process waits."""

import itertools

from unit.trainer.builders import Clock


def test_pauses_double_up_to_a_maximum_and_no_attempt_starts_after_the_limit() -> None:
    attempts = list(Clock().backoff().attempts())
    assert attempts == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 23.5, 31.5, 39.5, 47.5, 55.5]


def test_the_watchdog_is_pinged_every_second_of_a_pause() -> None:
    clock, pings = Clock(), list[float]()
    list(clock.backoff().attempts(lambda: pings.append(clock.seconds)))
    assert max(after - before for before, after in itertools.pairwise(pings)) <= 1.0
