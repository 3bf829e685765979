"""A spare: a rank process that has imported everything slow before it is assigned a rank."""

import faulthandler
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable


def wait_for_assignment(module: str, *, preload: Callable[[], None] | None = None) -> bool:
    """Import `module`, `preload` more, and wait until the supervisor assigns a rank; return False if the supervisor exits first.

    The assignment is one line of JSON on standard input: variables for the environment. Until it arrives, nothing that
    belongs to one rank, such as a GPU, is used.
    """
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # the supervisor requests the stacks of a hung rank
    for number in (signal.SIGINT, signal.SIGHUP):  # the supervisor handles what the terminal sends
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    importlib.import_module(module)  # takes seconds
    if preload is not None:
        preload()
    line = sys.stdin.readline()
    if not line:
        return False
    os.environ.update(json.loads(line))
    return True
