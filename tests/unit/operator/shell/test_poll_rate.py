"""All coordinators together are asked at a limited rate."""

import pytest

from llmtrain_operator.shell.poll_rate import POLLS_PER_SECOND, PollRate


def test_few_coordinators_are_asked_as_often_as_wanted() -> None:
    rate = PollRate()
    for number in range(round(5 * POLLS_PER_SECOND)):
        rate.put(number, 5.0)
    assert rate.stretched(5.0) == pytest.approx(5.0)


def test_many_are_asked_less_often_and_all_in_proportion() -> None:
    rate = PollRate(limit=100.0)
    for number in range(1000):
        rate.put(number, 5.0)
    assert rate.stretched(5.0) == pytest.approx(10.0)
    assert rate.stretched(0.5) == pytest.approx(1.0), "a job that starts still learns of its first step soon"


def test_the_questions_of_all_together_keep_to_the_limit() -> None:
    rate = PollRate(limit=10.0)
    intervals = [0.5] * 20 + [5.0] * 100
    for number, interval in enumerate(intervals):
        rate.put(number, interval)
    assert sum(1 / rate.stretched(interval) for interval in intervals) == pytest.approx(10.0)


def test_a_coordinator_counts_once_with_its_last_interval() -> None:
    rate = PollRate(limit=1.0)
    rate.put("a", 0.5)
    rate.put("a", 0.25)
    assert rate.stretched(0.25) == pytest.approx(1.0)
    rate.put("a", 0.0)
    assert rate.stretched(0.25) == 0.25


def test_one_that_is_not_asked_any_more_leaves_its_share_to_the_others() -> None:
    rate = PollRate(limit=1.0)
    for number in range(10):
        rate.put(number, 1.0)
    for number in range(1, 10):
        rate.discard(number)
        rate.discard(number)
    assert rate.stretched(1.0) == pytest.approx(1.0)
    rate.discard(0)
    assert rate.demand == 0.0
