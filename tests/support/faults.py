"""Faults that strike a process of a job at a named point, and the seed that chooses when."""

import os
import random
import sys
from pathlib import Path

from support.training_job import Job

HOOKS = str(Path(__file__).parents[1] / "chaos" / "hooks")
SEED = int(os.environ.get("LLMTRAIN_CHAOS_SEED", random.SystemRandom().randrange(10**6)))


def fault(job: Job, point: str, name: str, target: str, step: int, number: int = 0) -> str:
    """Return one fault as the hooks read it."""
    return f"{point}:{name}:{target}:{step}:{job.root}/struck-{number}"


def armed(*faults: str) -> dict[str, str]:
    """Return the environment of a process in which the faults strike."""
    return {"LLMTRAIN_CHAOS": " ".join(faults), "PYTHONPATH": ":".join([HOOKS, *sys.path])}
