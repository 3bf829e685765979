"""What the trainer's unit tests train: a network of a few thousand weights on a few thousand words."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.log import Log
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.gpt_task import GPTTask

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for each other on a busy machine take minutes
WORDS = "the quick brown fox jumps over the lazy dog while seven wizards mix black quartz and jovial oxen hum".split()
VOCAB_SIZE = 300
MakeRun = Callable[..., RunConfig]


def prose(words: int, seed: int = 1) -> str:
    """Return text with some structure and no randomness from outside."""
    state, lines = seed, []
    for number in range(words):
        state = (state * 1103515245 + 12345) % 2**31
        lines.append(WORDS[state // 65536 % len(WORDS)] + ("\n" if number % 12 == 11 else " "))
    return "".join(lines)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A data volume with eight text files."""
    folder = tmp_path / "data" / "text"
    folder.mkdir(parents=True)
    for number in range(8):
        (folder / f"file-{number}.txt").write_text(prose(400, seed=number))
    return tmp_path / "data"


@pytest.fixture
def make_run(volume: Path, tmp_path: Path) -> MakeRun:
    """Makes a run config; arguments replace parts of the job's spec."""

    def make(**parts: object) -> RunConfig:
        spec = {
            "model": {"layers": 2, "width": 32, "heads": 4, "kvHeads": 2, "contextLength": 16},
            "data": {"source": {"volume": "datasets", "path": "text"}, "tokenizer": {"vocabSize": VOCAB_SIZE}},
            "training": {
                "steps": 20,
                "microbatches": 4,
                "microbatchSize": 2,
                "warmupSteps": 2,
                "optimizer": {"learningRate": "1e-2"},
            },
            "checkpoint": {"volume": "checkpoints", "everySteps": 2, "keepLast": 2},
        }
        return run_config(
            JobSpec.model_validate(spec | parts),
            job="test",
            namespace="local",
            uid="uid",
            data_directory=str(volume),
            job_directory=str(tmp_path / "job"),
            coordinator="127.0.0.1:1",
        )

    return make


@pytest.fixture
def lines() -> io.StringIO:
    """What `log` wrote."""
    return io.StringIO()


@pytest.fixture
def log(lines: io.StringIO) -> Log:
    return Log(stream=lines)


def make_learner(run: RunConfig, log: Log) -> GPTTask:
    outcome = prepare(run, log)
    assert outcome.dataset is not None
    learner = GPTTask(run, Dataset.open(run.data_directory, outcome.dataset.id), torch.device("cpu"))
    learner.reset()
    return learner


@pytest.fixture
def checkpoints(tmp_path: Path, log: Log) -> CheckpointStore:
    return CheckpointStore(job_directory=tmp_path / "job", log=log)


MakeKeeper = Callable[[GPTTask], Checkpointer]


@pytest.fixture
def make_keeper(
    make_run: MakeRun, checkpoints: CheckpointStore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeKeeper]:
    """Makes keepers, whose writers end with the test."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    made: list[Checkpointer] = []

    def make(learner: GPTTask) -> Checkpointer:
        made.append(Checkpointer(learner, checkpoints, make_run(), "dataset", log))
        return made[-1]

    yield make
    for keeper in made:
        keeper.close()
