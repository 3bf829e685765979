"""Small models without pretraining reach what docs/test-data.md lists, on real records and beside a trivial method."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from llmtrain_api.job import JobSpec
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import run_config
from llmtrain_kind.paths import REPOSITORY
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.labelled_learner import open_task
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState

pytestmark = [pytest.mark.data, pytest.mark.timeout(3600)]
SPECS: dict[str, dict[str, Any]] = {
    "film-ratings": {
        "task": {"name": "regression"},
        "model": {"name": "gru"},
        "data": {"columns": {"label": "rating"}, "tokenizer": {"vocabSize": 4096}, "maxTokens": 64},
        "training": {"steps": 600, "microbatches": 1, "microbatchSize": 32, "optimizer": {"learningRate": "1e-3"}},
    },
    "brown": {
        "task": {"name": "tagging"},
        "model": {"name": "lstm"},
        "data": {"tokenizer": {"vocabSize": 8192}, "maxTokens": 96},
        "training": {"steps": 1600, "microbatches": 1, "microbatchSize": 64, "optimizer": {"learningRate": "3e-3"}},
    },
}
"""What is trained on each set: half an hour on one core of a busy machine."""


@pytest.mark.parametrize(
    ("name", "metric", "bound", "better"),
    [("film-ratings", "mse", 3.2, float.__lt__), ("brown", "accuracy", 0.935, float.__gt__)],
)
def test_a_small_model_is_better_than_a_trivial_method(
    set_folder: Callable[[str], Path],
    tmp_path: Path,
    name: str,
    metric: str,
    bound: float,
    better: Callable[[float, float], bool],
) -> None:
    scores, baseline, seconds = train_and_judge(set_folder(name), tmp_path, SPECS[name])
    print(f"{name}: {scores} in {seconds:.0f} s; baseline {baseline}")
    assert better(scores[metric], bound)
    assert better(scores[metric], baseline[metric])
    documented = f"| `{name}` | {SPECS[name]['task']['name']} by `{SPECS[name]['model']['name']}` | {metric} "
    (line,) = (line for line in (REPOSITORY / "docs" / "test-data.md").read_text().splitlines() if documented in line)
    assert scores[metric] == pytest.approx(float(line.split(metric)[1].split()[0].rstrip(",")), rel=0.02)


def train_and_judge(folder: Path, root: Path, spec: dict[str, Any]) -> tuple[dict[str, float], dict[str, float], float]:
    """Return the scores of the model on the test part, those of the baseline, and how long the training took."""
    (train,), (test,) = (list(folder.glob(f"{part}.*")) for part in ("train", "test"))
    (root / "data").mkdir()
    for file in (train, test):
        shutil.copy(file, root / "data")
    data = {"source": {"volume": "data", "path": train.name}, "heldOut": {"path": test.name}, **spec["data"]}
    run = run_config(
        JobSpec.model_validate({**spec, "data": data, "checkpoint": {"volume": "checkpoints"}}),
        job="real-data",
        namespace="local",
        uid="real-data",
        data_directory=str(root / "data"),
        job_directory=str(root / "job"),
        coordinator="127.0.0.1:1",
    )
    info = prepare(run, JsonLog()).dataset
    assert info is not None
    torch.set_num_threads(1)
    device = torch.device("cpu")
    task = open_task(run, info.id, device)
    state = TrainState(task, run, device)
    state.reset()
    started_at = time.monotonic()
    for _ in range(run.training.steps):
        state.train_step(SingleProcess(), StopVotes())
    seconds = time.monotonic() - started_at
    rows = task.judge(list(range(len(task.dataset.held_out))), SingleProcess()).rows
    baseline = task.objective.baseline(task.dataset).rows
    return score(task.objective.metric, rows), score(task.objective.metric, baseline), seconds
