"""Fixtures of the trainer's unit tests: a data volume, run configs, logs, checkpoints."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_api.stop_signals import stop_signals
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.worker.rank_context import RankContext
from llmtrain_trainer.worker.stop_signal import StopSignal
from support.local_coordinator import TOKEN
from unit.trainer.builders import VOCAB_SIZE, Clock, MakeCheckpointer, MakeRun, identity, prose

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for each other on a busy machine take minutes


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
    """Makes run configs; arguments replace sections of the job's spec."""

    def make(**sections: object) -> RunConfig:
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
        (tmp_path / "token").write_text(TOKEN)
        return run_config(
            JobSpec.model_validate(spec | sections),
            job="test",
            namespace="local",
            uid="uid",
            data_directory=str(volume),
            job_directory=str(tmp_path / "job"),
            coordinator="127.0.0.1:1",
            token_file=str(tmp_path / "token"),
        )

    return make


@pytest.fixture
def make_program_run(make_run: MakeRun) -> MakeRun:
    """Makes run configs of jobs with a program of the user's; arguments are the fields of its entrypoint."""

    def make(**entrypoint: object) -> RunConfig:
        return make_run(entrypoint=entrypoint, data={"source": {"volume": "datasets"}})

    return make


@pytest.fixture
def stop_signal() -> Iterator[StopSignal]:
    """Handles the stop signals during the test."""
    before = {number: signal.getsignal(number) for number in stop_signals()}
    yield StopSignal()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def rank_context(stop_signal: StopSignal, log: JsonLog) -> RankContext:
    """A new process of worker 0."""
    return RankContext(identity=identity(), stop_signal=stop_signal, log=log, abandoned_groups=AbandonedGroups())


@pytest.fixture
def lines() -> io.StringIO:
    """The lines that `log` has written."""
    return io.StringIO()


@pytest.fixture
def log(lines: io.StringIO) -> JsonLog:
    return JsonLog(stream=lines)


@pytest.fixture
def clock() -> Clock:
    """The clock of `checkpoints` and of checkpointers."""
    return Clock()


@pytest.fixture
def checkpoints(tmp_path: Path, log: JsonLog, clock: Clock) -> CheckpointStore:
    return CheckpointStore(job_directory=tmp_path / "job", log=log, backoff=clock.backoff())


@pytest.fixture
def make_checkpointer(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeCheckpointer]:
    """Makes checkpointers, whose writers end with the test."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    made: list[Checkpointer] = []

    def make(state: TrainState, store: CheckpointStore = checkpoints) -> Checkpointer:
        made.append(Checkpointer(state, store, make_run(), data_name=state.data_name, log=log, backoff=clock.backoff()))
        return made[-1]

    yield make
    for checkpointer in made:
        checkpointer.close()
