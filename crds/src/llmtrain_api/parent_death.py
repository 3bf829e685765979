"""Parent death signal: a process that must not outlive its parent, such as a rank whose supervisor is gone.

An orphaned rank would keep its GPU and its place in the generation. See PR_SET_PDEATHSIG in prctl(2).
"""

import contextlib
import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
"""Loaded at import: `die_with_parent` also runs between fork and exec, where loading a library can deadlock."""


def die_with_parent() -> None:
    """Make the kernel send SIGKILL to this process when its parent exits.

    Does nothing where libc has no prctl, which is only Linux's.
    """
    with contextlib.suppress(AttributeError):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
