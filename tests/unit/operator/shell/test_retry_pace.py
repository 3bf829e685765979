"""Requests that are refused again and again are made one after the other, however many there are."""

import itertools

import pytest

from llmtrain_operator.shell.retry_pace import SECONDS_PER_REFUSAL, RetryPace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_request_gets_a_time_of_its_own() -> None:
    pace = RetryPace(Clock())
    assert [pace.delay(60, waiting=3) for _ in range(3)] == [60, 64, 68]


@pytest.mark.parametrize("waiting", [10, 100, 1000])
def test_however_many_wait_they_are_made_at_one_rate(waiting: int) -> None:
    clock = Clock()
    pace = RetryPace(clock)
    times = sorted(pace.delay(60, waiting=waiting) + clock.now for _ in range(waiting))
    made = []
    while times[0] < 100 + 12 * 3600:
        clock.now = times.pop(0)
        made.append(clock.now)
        times = sorted([*times, clock.now + pace.delay(300, waiting=waiting)])
    gaps = [later - earlier for earlier, later in itertools.pairwise(made)]
    assert min(gaps) >= SECONDS_PER_REFUSAL
    assert max(gaps) < 300 + SECONDS_PER_REFUSAL
    assert (made[-1] - made[0]) / len(made) <= max(300 / waiting, SECONDS_PER_REFUSAL) * 1.05


def test_a_request_that_is_alone_waits_no_longer_than_it_should() -> None:
    clock = Clock()
    pace = RetryPace(clock)
    for _ in range(1000):  # of jobs that are deleted then
        pace.delay(300, waiting=1000)
    assert pace.delay(60, waiting=0) == 60
    clock.now += 1000
    assert pace.delay(60, waiting=1) == 60
