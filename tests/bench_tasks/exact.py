"""Counts the tasks and models whose weights and scores do not depend on workers.

Each is trained by one worker, by two, and by three of which one loses its rank after some steps. Weights, loss, scores and
the published files have to be equal to the bit.
"""

import tempfile
from pathlib import Path

import pytest

from llmtrain_kind.progress import log, step
from support.exact_jobs import ExactJobs
from support.exact_tasks import make_exact_job, tasks_and_models, write_volume

RUNS = ((2, False), (3, True))
"""Workers, and whether one of them loses its rank; all are compared with one worker."""
DEADLINE_SECONDS = 600.0
"""How long a process may take on a busy machine."""


def main(scratch: Path) -> int:
    """Train all in `scratch`, print how many are exact, and return the exit code."""
    pairs = tasks_and_models()
    with tempfile.TemporaryDirectory(dir=scratch, prefix="exact-") as folder:
        exact = [_is_exact(task, model, Path(folder)) for task, model in pairs]
    print(f"tasks_exact {sum(exact)} of {len(pairs)}", flush=True)
    return 0 if all(exact) else 1


def _is_exact(task: str, model: str, folder: Path) -> bool:
    """Return whether all runs of a task and a model made the same; a run that fails made nothing."""
    volume = folder / "volume"
    if not volume.exists():
        volume.mkdir()
        write_volume(volume)
    jobs = ExactJobs(
        lambda root, name: make_exact_job(root, volume, task, name),
        lambda prefix: Path(tempfile.mkdtemp(dir=folder, prefix=f"{prefix}-")),
        deadline_seconds=DEADLINE_SECONDS,
    )
    with step(f"{task} by {model} at 1, 2 and 3 workers, and after a kill"):
        try:
            expected = jobs.result(model, 1)
            different = [run for run in RUNS if jobs.result(model, run[0], killed=run[1]) != expected]
        except (Exception, pytest.fail.Exception) as error:
            log(f"error: {task} by {model}: {error}")
            return False
        finally:
            jobs.close()
    for workers, killed in different:
        log(f"error: {task} by {model}: {workers} workers{', one killed,' if killed else ''} made something else")
    return not different
