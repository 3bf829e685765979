"""TCP ports on the loopback interface."""

import itertools
import os
import socket

FIRST, COUNT = 10_000, 20_000
"""Ports that the kernel gives to no connection: one of those could take a port before the process that it is for."""
STEP = 127
"""Ports between the first candidates of two processes that were started one after the other."""
_CANDIDATES = itertools.count(os.getpid() * STEP)


def free_port() -> int:
    """Return a port that no process listens on, and another one each time."""
    for number in itertools.islice(_CANDIDATES, COUNT):
        port = FIRST + number % COUNT
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"all ports from {FIRST} to {FIRST + COUNT - 1} are in use")


def own_loopback_address() -> str:
    """Return a loopback address that no other process of tests uses, for ports that are fixed."""
    process = os.getpid()
    return f"127.{1 + process // 2**16 % 254}.{process // 2**8 % 2**8}.{process % 2**8}"
