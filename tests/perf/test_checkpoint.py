"""How long a step is blocked by a checkpoint, beside a plain `torch.save` of the same state to the same disk.

Blocked is the time to begin the checkpoint and that which the next step waits, at its end, for the copy to be complete.
"""

import time
from pathlib import Path
from statistics import median

import pytest
import torch

from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.log import Log
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from perf.bench_models import MODELS, make_run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
ROUNDS = 6


def wait_of(learner: GPTTask) -> list[float]:
    """Have the learner note, at the end of a list, how long its last step waited to change the state."""
    settle, waited = learner.wait_for_snapshot, [0.0]

    def timed() -> None:
        began = time.perf_counter()
        settle()
        waited[:] = [time.perf_counter() - began]

    learner.wait_for_snapshot = timed
    return waited


def test_a_checkpoint_beside_a_plain_save(tmp_path: Path) -> None:
    """In turns; the first round, in which the writer starts, is printed by itself."""
    (tmp_path / "data").mkdir()
    run = make_run(tmp_path, MODELS["25m"], "Exact")
    dataset = prepare(run, Log()).dataset
    assert dataset is not None
    learner = GPTTask(run, Dataset.open(run.data_directory, dataset.id), torch.device("cpu"))
    learner.reset()
    checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=Log(min_level="warning"))
    keeper = Checkpointer(learner, checkpoints, run, dataset.id, Log(min_level="warning"))
    blocked, plain = [], []
    waited = wait_of(learner)
    for _ in range(ROUNDS):
        learner.train_step(SingleProcess(), StopVotes())
        began = time.perf_counter()
        keeper.save()
        begun = time.perf_counter() - began
        step = learner.step
        learner.train_step(SingleProcess(), StopVotes())
        blocked.append(begun + waited.pop())
        keeper.wait()
        assert checkpoints.path(step).exists()
        began = time.perf_counter()
        torch.save(learner.state_dict(), tmp_path / "plain.pt")
        plain.append(time.perf_counter() - began)
    keeper.close()
    print(f"\ncheckpoint_block_over_torch_save {median(blocked[1:]) / median(plain[1:]):.3f} ratio")
    print(f"checkpoint_block_seconds_25m {median(blocked[1:]):.4f} s")
    print(f"checkpoint_block_seconds_25m_first {blocked[0]:.4f} s")
