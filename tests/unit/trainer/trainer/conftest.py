"""Trainers of a small job with one worker, and its coordinator."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.fault_points import disarm_all
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.trainer import elastic_trainer
from llmtrain_trainer.trainer.elastic_trainer import ElasticTrainer
from llmtrain_trainer.training.learners import task_factory
from llmtrain_trainer.worker.rank_context import RankContext
from llmtrain_trainer.worker.stop_signal import StopSignal
from support.local_coordinator import LocalCoordinator, serving
from support.polling import DEADLINE_SECONDS
from unit.trainer.builders import MakeRun, identity
from unit.trainer.trainer.elastic_jobs import TRAINING, MakeTrainer


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    disarm_all()


@pytest.fixture
def coordinator() -> Iterator[LocalCoordinator]:
    """The coordinator of a job with one worker."""
    with serving() as coordinator:
        yield coordinator


@pytest.fixture
def make_trainer(
    make_run: MakeRun,
    coordinator: LocalCoordinator,
    rank_context: RankContext,
    log: JsonLog,
    monkeypatch: pytest.MonkeyPatch,
) -> MakeTrainer:
    """Makes trainers of the built-in network, each as a new process of worker 0; arguments replace training settings."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setattr(elastic_trainer, "FLUSH_SECONDS", DEADLINE_SECONDS)

    def make(stop_signal: StopSignal = rank_context.stop_signal, **training: object) -> ElasticTrainer:
        run = make_run(training={**TRAINING, **training}).model_copy(update={"coordinator": coordinator.address})
        dataset = prepare(run, log).dataset
        assert dataset is not None
        return ElasticTrainer(
            run, task_factory(run, dataset.id), replace(rank_context, identity=identity(), stop_signal=stop_signal)
        )

    return make


@pytest.fixture
def job_directory(tmp_path: Path) -> Path:
    """The directory of the job's checkpoints."""
    return tmp_path / "job"
