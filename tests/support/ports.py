"""TCP ports on the loopback interface."""

import os
import socket


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def own_loopback_address() -> str:
    """Return a loopback address that no other process of tests uses, for ports that are fixed."""
    process = os.getpid()
    return f"127.{1 + process // 2**16 % 254}.{process // 2**8 % 2**8}.{process % 2**8}"
