"""A closed connection means a failure only if its member neither sent another heartbeat nor joined again."""

from typing import Any

from llmtrain_coordinator.connections import Connections


class Transport:
    """A transport that is open or closed."""

    def __init__(self, closing: bool) -> None:
        self.closing = closing

    def is_closing(self) -> bool:
        return self.closing


def transport(closing: bool) -> Any:
    return Transport(closing)


def test_a_closed_connection_is_reported_once_at_the_second_check() -> None:
    connections = Connections()
    connections.track("a0", transport(closing=True))
    connections.track("a1", transport(closing=False))
    assert connections.closed() == frozenset()
    assert connections.closed() == {"a0"}
    assert connections.closed() == frozenset()


def test_a_heartbeat_on_another_connection_cancels_the_report() -> None:
    connections = Connections()
    connections.track("a0", transport(closing=True))
    connections.closed()
    connections.track("a0", transport(closing=False))
    assert connections.closed() == frozenset()


def test_joining_again_cancels_the_report() -> None:
    connections = Connections()
    connections.track("a0", transport(closing=True))
    connections.closed()
    connections.forget("a0")
    assert connections.closed() == frozenset()
