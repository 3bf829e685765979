"""When there is room again, the oldest refused job tries, and one of the others."""

from llmtrain_operator.shell.retry_turns import RetryTurns
from llmtrain_operator.shell.work_queue import Key

A, B, C = (Key("job", "ns", name) for name in "abc")


def test_the_oldest_always_has_a_turn_and_the_others_one_after_the_other() -> None:
    turns = RetryTurns()
    assert [turns.grant((A, B, C)) for _ in range(3)] == [(A, B), (A, C), (A, B)]
    assert [turns.of(key) for key in (A, B, C)] == [3, 2, 1]


def test_no_job_and_a_single_one() -> None:
    turns = RetryTurns()
    assert turns.grant(()) == ()
    assert turns.grant((A,)) == (A,)
    turns.discard(A)
    turns.discard(B)
    assert turns.turns == {}
