"""Faults that tests inject into trainer processes, at the fault points of `llmtrain_trainer.fault_points`."""

import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from llmtrain_trainer.fault_points import FAULT_POINTS

HOOKS = Path(__file__).parents[1] / "chaos" / "hooks"
SEED = int(os.environ.get("LLMTRAIN_CHAOS_SEED", random.SystemRandom().randrange(10**6)))
"""Seed of everything that chaos tests draw; a run with the same seed repeats it."""
STEP_POINTS = ("forward", "backward", "all_to_all", "all_gather", "update")
"""Points that each rank passes in every step."""
CHECKPOINT_POINTS = ("evaluation", "snapshot", "write_request")
"""Points of rank 0 between two steps."""
WRITER_POINTS = ("write", "rename")
"""Points of the checkpoint writer."""
VOLUME_POINTS = ("write", "read")
"""Points at which the checkpoint volume can answer with an error."""
SYNC_POINTS = ("state_sync", "broadcast")
"""Points of the state synchronization at the start of a generation."""
ALL_POINTS = ("connect", *STEP_POINTS, *CHECKPOINT_POINTS, *WRITER_POINTS, *VOLUME_POINTS, *SYNC_POINTS, "leave")


def fault(point: str, name: str, *, marker: Path, step: int = 0, target: Literal["rank", "supervisor"] = "rank") -> str:
    """Return a fault as the hooks read it: what happens (`name`) at a point, once at least `step` steps are done.

    The hooks create the file `marker` when they inject the fault. ValueError if there is no such point.
    """
    if point not in FAULT_POINTS:
        raise ValueError(f"unknown fault point {point!r}; known points: {', '.join(sorted(FAULT_POINTS))}")
    return f"{point}:{name}:{target}:{step}:{marker}"


def armed(*faults: str, losses: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment variables of a process into which the faults are injected.

    `losses` are factors of losses, each as `first-last:microbatch:factor`, for the data of some steps counted from 0.
    """
    path = ":".join([str(HOOKS), *sys.path])
    return {"LLMTRAIN_CHAOS": " ".join(faults), "LLMTRAIN_CHAOS_LOSS": " ".join(losses), "PYTHONPATH": path}
