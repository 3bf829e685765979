"""Builders for the trainer's unit tests: a network of a few thousand weights on a few thousand words."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.backoff import Backoff
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.distributed.rank_identity import RankIdentity, new_incarnation
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.task import Task
from llmtrain_trainer.training.train_state import TrainState

SomeTask = TypeVar("SomeTask", bound=Task)
OpenTask = Callable[[RunConfig, str, torch.device], SomeTask]

WORDS = "the quick brown fox jumps over the lazy dog while seven wizards mix black quartz and jovial oxen hum".split()
VOCAB_SIZE = 300
MakeRun = Callable[..., RunConfig]
MakeCheckpointer = Callable[..., Checkpointer]


class Clock:
    """A clock that passes only while someone sleeps, and what happens then."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.on_sleep: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.on_sleep()

    def backoff(self) -> Backoff:
        """Return the back-off of the product by this clock."""
        return Backoff(sleep=self.sleep, clock=lambda: self.seconds)


def identity(worker: int = 0) -> RankIdentity:
    """Return the identity of a new process, the only rank of a worker."""
    return RankIdentity(
        worker=worker, local_rank=0, incarnation=new_incarnation(), address="127.0.0.1", node=f"node-{worker}"
    )


def prose(words: int, seed: int = 1) -> str:
    """Return text with some structure, a function of `seed`."""
    state, lines = seed, []
    for number in range(words):
        state = (state * 1103515245 + 12345) % 2**31
        lines.append(WORDS[state // 65536 % len(WORDS)] + ("\n" if number % 12 == 11 else " "))
    return "".join(lines)


def prepare_dataset(run: RunConfig, log: JsonLog) -> Dataset:
    """Return the job's prepared dataset."""
    return Dataset.open(run.data_directory, prepared_id(run, log))


def prepared_id(run: RunConfig, log: JsonLog) -> str:
    """Prepare the job's dataset; return its id."""
    info = prepare(run, log).dataset
    assert info is not None
    return info.id


def make_task_state(open_task: OpenTask[SomeTask], run: RunConfig, log: JsonLog) -> tuple[SomeTask, TrainState]:
    """Return the task of a job on its prepared dataset, and its state before the first step."""
    device = torch.device("cpu")
    task = open_task(run, prepared_id(run, log), device)
    state = TrainState(task, run, device)
    state.reset()
    return task, state


def newest_step(checkpoints: CheckpointStore) -> int | None:
    """Return the steps of the newest checkpoint by the manifests; None without one."""
    manifest = checkpoints.newest_manifest()
    return manifest and manifest.step


def make_state(run: RunConfig, log: JsonLog) -> TrainState:
    """Return the state of the built-in network before the first step."""
    device = torch.device("cpu")
    state = TrainState(GPTTask(run, prepare_dataset(run, log), device), run, device)
    state.reset()
    return state


def flip_last_bit(file: Path) -> None:
    """Damage a file without changing its size, as a bad disk does."""
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
