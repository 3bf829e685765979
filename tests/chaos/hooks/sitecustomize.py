"""Arms faults at named points. Python imports this module at the start of every process that has this directory in its path.

LLMTRAIN_CHAOS holds faults, separated by spaces: `point:signal:target:step:marker`. The signal is sent at the first pass
of the fault point after `step` steps, to this `rank` or to its `supervisor`. The file `marker` records that it was sent,
so that the replacement of this process does not send it again. HANG, SLOW and PAUSE are not signals: they sleep forever, sleep
longer than a lease, and wait until the test creates the file `marker` with the suffix `.resume`. EIO is what a volume does
whose server restarts: in all processes, the point raises OSError for 20 s after it was first passed.
"""

import contextlib
import errno
import os
import signal
import sys
import threading
import time

EIO_SECONDS = 20.0
SLEEP_SECONDS = {"HANG": None, "SLOW": 4.0}


class Injector:
    """Injects the faults of this process."""

    def __init__(self, faults):
        self.faults = [fault.split(":") for fault in faults]
        self.steps_done = 0

    def arm(self):
        """Arm the points of all faults. An unknown point ends the process: the test would otherwise pass vacuously."""
        from llmtrain_trainer.fault_points import arm

        arm("train_step", self.count_step)
        for point in {point for point, *_ in self.faults}:
            try:
                arm(point, lambda step, point=point: self.inject(point))
            except ValueError as error:
                sys.exit(f"LLMTRAIN_CHAOS: {error}")

    def count_step(self, step):
        """Record how many steps are done."""
        self.steps_done = step

    def inject(self, point):
        """Inject the faults that are due at a point, each one once."""
        for name, fault, target, step, marker in self.faults:
            if name == point and self.steps_done >= int(step):
                if fault == "EIO":
                    raise_eio(marker)
                    continue
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
                    if fault == "PAUSE":
                        while not os.path.exists(f"{marker}.resume"):
                            time.sleep(0.01)
                        return
                    if fault in SLEEP_SECONDS:
                        threading.Event().wait(SLEEP_SECONDS[fault])
                        return
                    os.kill(os.getpid() if target == "rank" else os.getppid(), signal.Signals[fault])


def raise_eio(marker):
    """Raise OSError unless `marker` was created a while ago."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    if time.time() - os.stat(marker).st_mtime < EIO_SECONDS:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


if os.environ.get("LLMTRAIN_CHAOS"):
    Injector(os.environ["LLMTRAIN_CHAOS"].split()).arm()
