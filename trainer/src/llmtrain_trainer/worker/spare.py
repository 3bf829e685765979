"""The other side of a spare: everything slow is done before it is known which rank this process will be."""

import faulthandler
import importlib
import json
import os
import signal
import sys


def wait_for_assignment(module: str) -> bool:
    """Import `module`, with all that this rank will need, then wait for the supervisor's word; False if it ends first.

    Nothing is touched that belongs to one rank, such as a GPU.
    """
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # a hung rank is asked where it stands
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to answer
    importlib.import_module(module)  # this is what takes seconds
    line = sys.stdin.readline()
    if not line:
        return False
    os.environ.update(json.loads(line))
    return True
