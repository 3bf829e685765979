"""A refused request is made again after a back-off, or when something that it may depend on changes."""

from datetime import timedelta

import pytest

from llmtrain_operator.core.policies.refusal import api_rejection, name_taken
from llmtrain_operator.shell.refusals import MISSING_NAMESPACE, REJECTED, BackOff, Facts, Refusals

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
    [(REJECTED, 1, 15), (REJECTED, 2, 30), (REJECTED, 6, 300), (REJECTED, 10**6, 300), (MISSING_NAMESPACE, 9, 30)],
)
def test_the_delay_doubles_up_to_a_limit(back_off: BackOff, refusals: int, seconds: float) -> None:
    assert back_off.seconds(refusals) == seconds


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
        pytest.param({("job", 1)}, 0, id="a pod less does"),
        pytest.param({("job", 2), ("pod", "a")}, 0, id="another spec may ask for less"),
    ],
)
def test_a_fact_that_no_longer_holds_is_a_reason_to_try_at_once(left: set[tuple[str, object]], expected: int) -> None:
    refusals = Refusals(Clock())
    refusals.record(REFUSAL, FACTS)
    assert remaining(refusals, frozenset(left)) == timedelta(seconds=expected)


def test_a_namesake_that_stops_is_asked_after_soon() -> None:
    refusals = Refusals(Clock())
    existing = {"kind": "Pod", "metadata": {"name": "p", "deletionTimestamp": "t"}}
    refusals.record(name_taken(existing, job="j", uid="u"), FACTS)
    assert remaining(refusals) == timedelta(seconds=1)
