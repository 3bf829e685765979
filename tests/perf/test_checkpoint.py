"""How long a checkpoint blocks a step, compared with a plain `torch.save` of the same state to the same disk.

The blocked time is the time to start the checkpoint plus the time that the next step waits, at its end, for the copy.
"""

import time
from pathlib import Path
from statistics import median

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from perf.bench_models import MODELS, make_run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
ROUNDS = 6


def test_a_checkpoint_beside_a_plain_save(tmp_path: Path) -> None:
    """In turns; the first round, in which the writer starts, is printed separately."""
    (tmp_path / "data").mkdir()
    run = make_run(tmp_path, MODELS["25m"], "Exact")
    dataset = prepare(run, JsonLog()).dataset
    assert dataset is not None
    device = torch.device("cpu")
    state = TrainState(GPTTask(run, Dataset.open(run.data_directory, dataset.id), device), run, device)
    state.reset()
    checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=JsonLog(min_level="warning"))
    checkpointer = Checkpointer(state, checkpoints, run, data_name=dataset.id, log=JsonLog(min_level="warning"))
    blocked, plain = [], []
    waited = 0.0

    def wait_for_snapshot() -> None:
        nonlocal waited
        began = time.perf_counter()
        checkpointer.wait_for_snapshot()
        waited = time.perf_counter() - began

    for _ in range(ROUNDS):
        state.train_step(SingleProcess(), StopVotes())
        began = time.perf_counter()
        checkpointer.save()
        begun = time.perf_counter() - began
        step = state.step
        state.train_step(SingleProcess(), StopVotes(), wait_for_snapshot)
        blocked.append(begun + waited)
        checkpointer.wait()
        assert checkpoints.path(step).exists()
        began = time.perf_counter()
        torch.save(state.state_dict(), tmp_path / "plain.pt")
        plain.append(time.perf_counter() - began)
    checkpointer.close()
    print(f"\ncheckpoint_block_over_torch_save {median(blocked[1:]) / median(plain[1:]):.3f} ratio")
    print(f"checkpoint_block_seconds_25m {median(blocked[1:]):.4f} s")
    print(f"checkpoint_block_seconds_25m_first {blocked[0]:.4f} s")
