"""Whose checkpoints these are: the term of the newest coordinator that trains this job, beside them on the volume.

Two coordinators may live for a while, one of them on a node that is cut off. Each gathers the workers that reach it. A
generation of the newer one claims the job's folder; what an older one's generations would write is refused, and their
ranks stop.
"""

import json
import os
from pathlib import Path

from llmtrain_trainer.errors import Fenced

CLAIM_FILE = "claim.json"


def acquire_fence(job_directory: Path, term: int) -> None:
    """Claim the job for a coordinator's term; Superseded if a newer one trains it."""
    if check_fence(job_directory, term) == term:
        return
    job_directory.mkdir(parents=True, exist_ok=True)
    aside = job_directory / f".{CLAIM_FILE}-{os.getpid()}"
    aside.write_text(json.dumps({"term": term}))
    aside.rename(job_directory / CLAIM_FILE)
    check_fence(job_directory, term)


def check_fence(job_directory: Path, term: int) -> int:
    """Return the term that has claimed the job, 0 if none; Superseded if it is a newer one."""
    claimed = _claimed(job_directory)
    if claimed > term:
        raise Fenced(f"another coordinator, of term {claimed}, trains this job now; this one has term {term}")
    return claimed


def _claimed(job_directory: Path) -> int:
    try:
        return int(json.loads((job_directory / CLAIM_FILE).read_text())["term"])
    except FileNotFoundError:
        return 0
