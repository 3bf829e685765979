"""A call that blocks delays its caller for at most the timeout, and holds one thread."""

import threading

import pytest

from llmtrain_agent.background_call import BackgroundCall
from support.polling import eventually


def test_each_call_returns_a_new_result() -> None:
    numbers = iter((1, 2))
    call = BackgroundCall(lambda: next(numbers), 10)
    assert (call(), call()) == (1, 2)


def test_an_exception_of_the_function_is_raised() -> None:
    def fail() -> int:
        raise ValueError("no number")

    call = BackgroundCall(fail, 10)
    for _ in range(2):
        with pytest.raises(ValueError, match="no number"):
            call()


def test_a_late_result_is_returned_by_a_later_call() -> None:
    calls, released = [], threading.Event()

    def blocked() -> str:
        calls.append(1)
        released.wait(30)
        return "late"

    call = BackgroundCall(blocked, 0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer within"):
            call()
    assert len(calls) == 1, "the function is not called again before it has returned"
    released.set()
    eventually(lambda: result_or_none(call) == "late", "a later call returns the result")
    assert len(calls) == 1


def result_or_none(call: BackgroundCall[str]) -> str | None:
    """Return the result, or None after a timeout."""
    try:
        return call()
    except TimeoutError:
        return None
