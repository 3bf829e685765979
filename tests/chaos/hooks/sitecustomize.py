"""Arms faults at named points. Python imports this module at the start of every process that has this directory in its path.

LLMTRAIN_CHAOS holds faults, separated by spaces: `point:signal:target:step:marker`. The signal is sent at the first pass
of the fault point after `step` steps, to this `rank` or to its `supervisor`. The file `marker` records that it was sent,
so that the replacement of this process does not send it again. HANG, SLOW and PAUSE are not signals: they sleep forever, sleep
longer than a lease, and wait until the test creates the file `marker` with the suffix `.resume`. FAIL raises an error as of NCCL,
each time. EIO is what a volume does whose server restarts: in all processes, the point raises OSError for 20 s after it was
first passed.

LLMTRAIN_CHAOS_LOSS holds factors of losses, separated by spaces: `first-last:microbatch:factor`, for the data of the steps from
`first` to `last`, counted from 0. They are a function of the data, so all ranks and all attempts have them.
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
        """Record how many steps are done. The modules of a rank are imported by then."""
        self.steps_done = step
        scale_losses(os.environ.get("LLMTRAIN_CHAOS_LOSS", "").split())

    def inject(self, point):
        """Inject the faults that are due at a point, each one once."""
        for name, fault, target, step, marker in self.faults:
            if name == point and self.steps_done >= int(step):
                if fault == "FAIL":
                    raise RuntimeError("NCCL error: invalid usage\nDuplicate GPU detected : rank 1 and rank 0")
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


def scale_losses(factors):
    """Multiply losses of the built-in network by factors, once per process."""
    from llmtrain_trainer.training.gpt_task import GPTTask

    if not factors or hasattr(GPTTask, "unscaled_loss"):
        return
    GPTTask.unscaled_loss = GPTTask.loss
    scaled = [
        (*map(int, steps.split("-")), int(number), float(factor))
        for steps, number, factor in (each.split(":") for each in factors)
    ]

    def loss(task, step, microbatch):
        plain, tokens = task.unscaled_loss(step, microbatch)
        for first, last, number, factor in scaled:
            if first <= step <= last and number == microbatch:
                return plain * factor, tokens
        return plain, tokens

    GPTTask.loss = loss


def raise_eio(marker):
    """Raise OSError unless `marker` was created a while ago."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    if time.time() - os.stat(marker).st_mtime < EIO_SECONDS:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


if os.environ.get("LLMTRAIN_CHAOS") or os.environ.get("LLMTRAIN_CHAOS_LOSS"):
    Injector(os.environ.get("LLMTRAIN_CHAOS", "").split()).arm()
