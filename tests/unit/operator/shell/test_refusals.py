"""A refused request is made again after a back-off, or when something that it may depend on changes."""

from datetime import timedelta

import pytest

from llmtrain_operator.core.policies.refusal import api_failure, api_rejection, name_taken
from llmtrain_operator.shell.refusals import MISSING_NAMESPACE, REJECTED, BackOff, Facts, Refusals
from llmtrain_operator.shell.retry_pace import RetryPace

REFUSAL = api_rejection(("Pod", "p"), "no")
FACTS: Facts = frozenset({("job", 1), ("pod", "a")})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def remaining(refusals: Refusals, observed: Facts = FACTS) -> timedelta | None:
    found = refusals.pending(observed)
    assert found is not None
    return found.retry_after


@pytest.mark.parametrize(
    ("back_off", "refusals", "seconds"),
    [(REJECTED, 1, 15), (REJECTED, 2, 30), (REJECTED, 6, 300), (REJECTED, 10**6, 300), (MISSING_NAMESPACE, 1, 30)],
)
def test_the_delay_doubles_up_to_a_limit(back_off: BackOff, refusals: int, seconds: float) -> None:
    assert back_off.seconds(refusals) == seconds


def test_requests_that_are_refused_together_are_not_made_again_together() -> None:
    clock = Clock()
    pace = RetryPace(clock)
    refused = [Refusals(clock, pace) for _ in range(100)]
    waited: list[list[float]] = []
    for _ in range(3):
        for refusals in refused:
            refusals.record(REFUSAL, FACTS, waiting=len(refused))
        waited.append([remaining(refusals).total_seconds() for refusals in refused])
    assert waited == [[15.0] * 100, [30.0] * 100, [60.0 + 4 * number for number in range(100)]]


def test_the_time_until_the_next_try_passes_and_grows() -> None:
    refusals = Refusals(clock := Clock())
    assert refusals.pending(FACTS) is None
    refusals.record(REFUSAL, FACTS)
    clock.now += 5
    assert remaining(refusals) == timedelta(seconds=10)
    refusals.record(REFUSAL, FACTS)
    assert remaining(refusals) == timedelta(seconds=30)
    refusals.discard()
    assert refusals.pending(FACTS) is None


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param({("job", 1), ("pod", "a"), ("pod", "b")}, 15, id="a pod more makes no room"),
        pytest.param({("job", 1)}, 1, id="a pod less does"),
        pytest.param({("job", 2), ("pod", "a")}, 1, id="another spec may ask for less"),
    ],
)
def test_a_fact_that_no_longer_holds_is_a_reason_to_try_soon(left: set[tuple[str, object]], expected: int) -> None:
    refusals = Refusals(Clock())
    refusals.record(REFUSAL, FACTS)
    assert remaining(refusals, frozenset(left)) == timedelta(seconds=expected)


def test_a_namesake_that_stops_is_asked_after_soon() -> None:
    refusals = Refusals(Clock())
    existing = {"kind": "Pod", "metadata": {"name": "p", "deletionTimestamp": "t"}}
    refusals.record(name_taken(existing, job="j", uid="u"), FACTS)
    assert remaining(refusals) == timedelta(seconds=1)


def test_facts_that_keep_changing_cause_no_hot_loop() -> None:
    refusals = Refusals(clock := Clock())
    waited = []
    for number in range(6):
        refusals.record(REFUSAL, frozenset({("quotas", number)}))
        waited.append(remaining(refusals, frozenset({("quotas", number + 1)})))
    assert waited == [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 8, 8)]
    clock.now += 100
    assert remaining(refusals, frozenset({("quotas", 9)})) <= timedelta(0), "after a long time it is made at once"


def test_a_problem_of_the_server_is_reported_from_the_second_refusal_on_and_retried_each_minute() -> None:
    refusals = Refusals(Clock())
    reported, waited = [], []
    for _ in range(10):
        refusals.record(api_failure(("Pod", "p"), "failed calling webhook"), FACTS, waiting=10**5)
        found = refusals.pending(FACTS)
        reported.append(found.is_reported)
        waited.append(found.retry_after.total_seconds())
    assert reported == [False, *[True] * 9]
    assert waited == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_server_may_ask_for_more_time() -> None:
    refusals = Refusals(Clock())
    refusals.record(api_failure(("Pod", "p"), "too many requests", retry_after=20), FACTS)
    assert remaining(refusals) == timedelta(seconds=20)


def test_a_refused_change_and_a_namesake_wait_for_no_other_request() -> None:
    clock = Clock()
    pace = RetryPace(clock)
    pace.last = clock.now + 4000
    existing = {"kind": "Pod", "metadata": {"name": "p", "deletionTimestamp": "t"}}
    for refusal, seconds in (
        (api_rejection(("LLMTrainingJob", "j"), "no", "change"), 60.0),
        (name_taken(existing, job="j", uid="u"), 4.0),
    ):
        refusals = Refusals(clock, pace)
        for _ in range(3):
            refusals.record(refusal, FACTS, waiting=1000)
        assert remaining(refusals).total_seconds() == seconds
