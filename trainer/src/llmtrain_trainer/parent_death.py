"""A process that shall not outlive the one that started it."""

import contextlib
import ctypes
import signal

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_LIBC = ctypes.CDLL(None)
"""Loaded before any fork: a child that is about to become another program must not look for libraries."""


def die_with_parent() -> None:
    """Make the kernel kill this process when its parent dies: a rank or a program alone would hold up the others."""
    with contextlib.suppress(AttributeError):
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
