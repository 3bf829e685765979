"""The job that tests of the elastic trainer train, and what it leaves."""

import io
import json
from collections.abc import Callable
from pathlib import Path

from llmtrain_trainer.trainer.elastic_trainer import ElasticTrainer

STEPS = 6
TRAINING = {"steps": STEPS, "microbatches": 4, "microbatchSize": 2, "warmupSteps": 2}
MakeTrainer = Callable[..., ElasticTrainer]


def saved_steps(job_directory: Path) -> list[int]:
    """Return the steps of the checkpoints, in order."""
    return sorted(int(path.name[-8:]) for path in (job_directory / "checkpoints").glob("step-*"))


def events(lines: io.StringIO, name: str) -> list[dict[str, object]]:
    """Return the log lines of an event."""
    entries = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [entry for entry in entries if entry["event"] == name]
