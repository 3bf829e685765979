"""Whose connection is closed for good."""

from typing import Any

from llmtrain_coordinator.lines import Lines


class Transport:
    def __init__(self, closing: bool) -> None:
        self.closing = closing

    def is_closing(self) -> bool:
        return self.closing


def line(closing: bool) -> Any:
    return Transport(closing)


def test_a_closed_connection_counts_at_the_second_look() -> None:
    lines = Lines()
    lines.note("a0", line(closing=True))
    lines.note("a1", line(closing=False))
    assert lines.hung_up() == frozenset()
    assert lines.hung_up() == {"a0"}
    assert lines.hung_up() == frozenset()


def test_whoever_is_heard_on_another_connection_has_not_hung_up() -> None:
    lines = Lines()
    lines.note("a0", line(closing=True))
    lines.hung_up()
    lines.note("a0", line(closing=False))
    assert lines.hung_up() == frozenset()


def test_whoever_joins_again_has_not_hung_up() -> None:
    lines = Lines()
    lines.note("a0", line(closing=True))
    lines.hung_up()
    lines.forget("a0")
    assert lines.hung_up() == frozenset()
