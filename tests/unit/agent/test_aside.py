"""Whoever doesn't answer holds nobody up."""

import threading

import pytest

from llmtrain_agent.background_call import BackgroundCall


def test_an_answer_is_passed_on_and_asked_for_each_time() -> None:
    numbers = iter((1, 2))
    aside = BackgroundCall(lambda: next(numbers), 10)
    assert (aside(), aside()) == (1, 2)


def test_what_the_question_raises_is_raised() -> None:
    def ask() -> int:
        raise ValueError("no number")

    aside = BackgroundCall(ask, 10)
    for _ in range(2):
        with pytest.raises(ValueError, match="no number"):
            aside()


def test_a_late_answer_is_given_to_the_next_who_asks() -> None:
    asked, answered = [], threading.Event()

    def ask() -> str:
        asked.append(1)
        answered.wait(30)
        return "late"

    aside = BackgroundCall(ask, 0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer within"):
            aside()
    assert len(asked) == 1, "it isn't asked again meanwhile"
    answered.set()
    while (answer := unless_late(aside)) is None:
        pass
    assert answer == "late"
    assert len(asked) == 1


def unless_late(aside: BackgroundCall[str]) -> str | None:
    try:
        return aside()
    except TimeoutError:
        return None
