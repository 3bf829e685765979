"""Whose connection is closed for good."""

from typing import Any

from llmtrain_coordinator.connections import Connections


class Transport:
    def __init__(self, closing: bool) -> None:
        self.closing = closing

    def is_closing(self) -> bool:
        return self.closing


def line(closing: bool) -> Any:
    return Transport(closing)


def test_a_closed_connection_counts_at_the_second_look() -> None:
    lines = Connections()
    lines.note("a0", line(closing=True))
    lines.note("a1", line(closing=False))
    assert lines.closed() == frozenset()
    assert lines.closed() == {"a0"}
    assert lines.closed() == frozenset()


def test_whoever_is_heard_on_another_connection_has_not_hung_up() -> None:
    lines = Connections()
    lines.note("a0", line(closing=True))
    lines.closed()
    lines.note("a0", line(closing=False))
    assert lines.closed() == frozenset()


def test_whoever_joins_again_has_not_hung_up() -> None:
    lines = Connections()
    lines.note("a0", line(closing=True))
    lines.closed()
    lines.forget("a0")
    assert lines.closed() == frozenset()
