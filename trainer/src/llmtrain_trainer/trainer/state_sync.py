"""The beginning of a generation: all ranks get the state of the one that is ahead.

A survivor keeps its state; one that is a step behind, or new, gets it from a survivor's memory. Only when nobody
holds any is the newest checkpoint read, by the first rank. Everything goes through `State.parts`.
"""

from typing import Literal

import torch

from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.log import Log
from llmtrain_trainer.training.train_state import TrainState

CHUNK_ELEMENTS = 2**22
"""Elements sent at once, 16 MiB: a receiver that dies is noticed between two chunks."""


Source = Literal["Memory", "Checkpoint", "Beginning"]


def sync_state(learner: TrainState, checkpoints: CheckpointStore, ranks: Collectives, log: Log) -> Source:
    """Bring every rank to the state of the one that has done most steps; return where that state was."""
    held = _held(learner, ranks)
    lived = max(held) >= 0
    if not lived:
        if ranks.rank == 0:
            restore(learner, checkpoints, log)
        held = _held(learner, ranks)
    newest = max(held)
    behind = [rank for rank, step in enumerate(held) if step < newest]
    if behind:
        _send(learner, ranks, source=held.index(newest), step=newest)
        log.info("handedOver", step=newest, source=held.index(newest), behind=behind)
    return "Memory" if lived else "Checkpoint" if newest else "Beginning"


def _held(learner: TrainState, ranks: Collectives) -> list[int]:
    """Return the steps done by each rank's state, -1 where there is none."""
    steps = torch.zeros(ranks.size, dtype=torch.int64, device=learner.device)
    steps[ranks.rank] = learner.step + 1 if learner.complete else 0
    ranks.all_reduce(steps)
    return [int(step) - 1 for step in steps.tolist()]


def _send(learner: TrainState, ranks: Collectives, *, source: int, step: int) -> None:
    """Broadcast the state; a receiver holds none until it has all of it."""
    learner.wait_for_snapshot()
    if learner.held_step != step:
        learner.complete = False
    for buffer in learner.parts.values():
        for chunk in torch.split(buffer, CHUNK_ELEMENTS):
            ranks.broadcast(chunk, source)
    learner.step, learner.complete = step, True
