"""Python imports this at the start of every process that has this folder in its path: it arms faults at named points.

LLMTRAIN_CHAOS holds faults, separated by spaces: `point:signal:target:step:marker`. The signal is sent at the first
pass of the point after `step` steps, to this `rank` or to its `supervisor`; the file `marker` remembers that it was, so
that the process that takes over is left alone. HANG and SLOW are no signals: they sleep for ever, and longer than a lease.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import threading

POINTS = {
    "forward": ("llmtrain_trainer.models.gpt", "GPT.loss"),
    "backward": ("llmtrain_trainer.training.gpt_task", "torch.autograd.backward"),
    "exchange": ("llmtrain_trainer.distributed.process_group", "ProcessGroup.all_to_all"),
    "gather": ("llmtrain_trainer.distributed.process_group", "ProcessGroup.all_gather"),
    "update": ("llmtrain_trainer.training.adamw", "AdamW.update"),
    "evaluation": ("llmtrain_trainer.training.evaluation", "held_out_loss"),
    "snapshot": ("llmtrain_trainer.checkpoint.checkpointer", "Checkpointer._snapshot"),
    "order": ("llmtrain_trainer.checkpoint.checkpointer", "Checkpointer._order"),
    "write": ("llmtrain_trainer.checkpoint.manifest", "digest_file"),
    "rename": ("llmtrain_trainer.atomic_directory", "_rename"),
    "handover": ("llmtrain_trainer.trainer.state_sync", "_send"),
    "broadcast": ("llmtrain_trainer.distributed.process_group", "ProcessGroup.broadcast"),
    "farewell": ("llmtrain_trainer.trainer.progress_reporter", "ProgressReporter.flush"),
}
"""Each point is the call of a function; `backward` is torch's own."""
SLEEPS = {"HANG": None, "SLOW": 4.0}
faults = [fault.split(":") for fault in os.environ.get("LLMTRAIN_CHAOS", "").split()]
steps_done = 0


def strike(point):
    """Send the signals that are due at a point."""
    for where, name, target, step, marker in faults:
        if where == point and steps_done >= int(step):
            with contextlib.suppress(FileExistsError):
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
                if name in SLEEPS:
                    threading.Event().wait(SLEEPS[name])
                    return
                os.kill(os.getpid() if target == "rank" else os.getppid(), signal.Signals[name])


def watched(point, function):
    def call(*arguments, **named):
        strike(point)
        return function(*arguments, **named)

    return call


def counted(learn):
    def call(learner, *arguments, **named):
        global steps_done
        steps_done = learner.step
        return learn(learner, *arguments, **named)

    return call


def patch(module):
    """Have the points in a module that was just imported watched."""
    if module.__name__ == "llmtrain_trainer.training.gpt_task":
        module.GPTTask.train_step = counted(module.GPTTask.train_step)
        module.torch.autograd.backward = watched("backward", module.torch.autograd.backward)
    for point, (where, path) in POINTS.items():
        if where == module.__name__ and point != "backward":
            *owner, name = path.split(".")
            holder = getattr(module, owner[0]) if owner else module
            setattr(holder, name, watched(point, getattr(holder, name)))


class Finder(importlib.abc.MetaPathFinder):
    """Finds modules as everyone does, and patches those with points after they ran."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("llmtrain_trainer."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_patch(module):
                execute(module)
                patch(module)

            spec.loader.exec_module = execute_and_patch
        return spec


if faults:
    sys.meta_path.insert(0, Finder())
