"""Each optimizer, and an average of the weights, is the same at any number of workers, and after a rank was killed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exact_jobs import ExactJobs
from support.training_job import Job, make_job


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with labelled texts."""
    volume = tmp_path_factory.mktemp("records")
    words = ("good", "bad", "film", "story", "plot", "dull", "fine", "cast")
    rows = ([words[(number * step) % 8] for step in (1, 3, 5)] for number in range(120))
    lines = [json.dumps({"text": " ".join(row), "label": str("good" in row)}) for row in rows]
    (volume / "records.jsonl").write_text("\n".join(lines))
    return volume


AVERAGED = "averaged"
"""Stands for adamw with an average of the weights, which is published."""


def make(root: Path, volume: Path, name: str) -> Job:
    return make_job(
        root,
        volume,
        task={"name": "classification"},
        model={"name": "gru", "width": 16, "layers": 1},
        data={
            "source": {"volume": "datasets", "path": "records.jsonl"},
            "tokenizer": {"kind": "words", "minCount": 1},
            "heldOutPercent": 25,
        },
        training={
            "steps": 12,
            "microbatches": 6,
            "microbatchSize": 4,
            "optimizer": {"name": "adamw" if name == AVERAGED else name, "learningRate": "1e-2"},
            "average": "0.9" if name == AVERAGED else "0",
        },
        checkpoint={"volume": "checkpoints", "everySteps": 5},
        evaluation={"everySteps": 5},
    )


@pytest.fixture(scope="module")
def jobs(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExactJobs]:
    jobs = ExactJobs(lambda root, name: make(root, records, name), tmp_path_factory.mktemp)
    yield jobs
    jobs.close()


@pytest.mark.parametrize("optimizer", ["sgd", "muon", AVERAGED])
def test_weights_and_scores_are_those_of_one_worker(jobs: ExactJobs, optimizer: str) -> None:
    assert jobs.result(optimizer, 3, killed=True) == jobs.result(optimizer, 1)


@pytest.mark.parametrize("optimizer", ["muon", AVERAGED])
def test_a_resumed_training_has_the_averages_of_its_checkpoint(jobs: ExactJobs, optimizer: str) -> None:
    assert jobs.result(optimizer, 1, killed=True) == jobs.result(optimizer, 1)
