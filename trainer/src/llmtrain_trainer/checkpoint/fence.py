"""Fencing: prevents the ranks of an older coordinator from writing checkpoints.

Two coordinators of one job can run at the same time, for example if one of them is on a node that is cut off, and each
gathers the workers that reach it. The newer one has the higher term. Rank 0 of each generation records its term as a
fence in the job's directory. A rank of an older term that finds the fence writes nothing and stops.
"""

import json
from pathlib import Path

from llmtrain_trainer.atomic_directory import atomic_write
from llmtrain_trainer.errors import Fenced

FENCE_FILE = "claim.json"


def acquire_fence(job_directory: Path, term: int) -> None:
    """Record a coordinator's term as the job's fence. Fenced if the fence has a newer term."""
    if check_fence(job_directory, term) == term:
        return
    atomic_write(job_directory / FENCE_FILE, json.dumps({"term": term}))
    check_fence(job_directory, term)


def check_fence(job_directory: Path, term: int) -> int:
    """Return the term of the job's fence, 0 without one. Fenced if it is newer than `term`."""
    fence_term = _read_fence(job_directory)
    if fence_term > term:
        raise Fenced(f"another coordinator, of term {fence_term}, trains this job now; this one has term {term}")
    return fence_term


def _read_fence(job_directory: Path) -> int:
    """Return the term of the fence; 0 if there is none, or a damaged one, which the next one to acquire it replaces."""
    try:
        return int(json.loads((job_directory / FENCE_FILE).read_bytes())["term"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0
