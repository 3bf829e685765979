"""State synchronization at the start of a generation: all ranks receive the newest state.

A rank that survived the previous generation keeps its state. A rank that is behind, new, or on the other side of a
rollback receives the state from the memory of the first rank that is ahead. Only if no rank holds a state does rank 0 read the newest checkpoint, however long that
takes: while it reads, it sends a sign of life to the others. The state travels as the buffers, the counters and the history of
`TrainState`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.history import history_bytes, history_of
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.training.bad_steps import BadStepCounts
from llmtrain_trainer.training.train_state import TrainState

CHUNK_ELEMENTS = 2**22
"""Elements sent at once, 16 MiB: a receiver that fails is noticed between two chunks."""

SIGN_SECONDS = 30.0
"""Time between two signs of life of the rank that restores, much less than the timeout of a collective."""

Source = Literal["Memory", "Checkpoint", "Beginning"]
"""Where the state of a generation comes from."""


@dataclass(frozen=True, kw_only=True)
class HeldState:
    """Which state a rank holds. The same steps can be those of two states, before and after a rollback: their counters differ."""

    step: int
    """Steps done; -1 without a state."""
    bad_steps: BadStepCounts

    @property
    def order(self) -> tuple[int, int]:
        """What is greater of a state that comes later: a rollback goes back in steps, but never in the data passed over."""
        return self.bad_steps.data_offset, self.step


def sync_state(state: TrainState, checkpoints: CheckpointStore, ranks: Collectives, log: JsonLog) -> Source:
    """Bring every rank to the latest state; return where that state came from."""
    state.task.check_peers(ranks)
    states = _held_states(state, ranks)
    in_memory = any(each.step >= 0 for each in states)
    if not in_memory:
        _restore(state, checkpoints, ranks, log)
        states = _held_states(state, ranks)
    source = max(range(ranks.size), key=lambda rank: (states[rank].order, -rank))
    newest = states[source].step
    behind = [rank for rank, each in enumerate(states) if each != states[source]]
    if behind:
        _broadcast_state(state, ranks, source=source, behind=behind, step=newest)
        log.info(TrainerEvent.STATE_SYNCED, step=newest, source=source, behind=behind)
    return "Memory" if in_memory else "Checkpoint" if newest else "Beginning"


def _restore(state: TrainState, checkpoints: CheckpointStore, ranks: Collectives, log: JsonLog) -> None:
    """Restore the state of rank 0. The others wait as long as it reads."""
    if ranks.rank != 0:
        while not _sign_of_life(state, ranks, restored=False):
            pass
        return
    sent_at = time.monotonic()

    def ping() -> None:
        nonlocal sent_at
        state.ping_watchdog()
        if time.monotonic() - sent_at >= SIGN_SECONDS:
            _sign_of_life(state, ranks, restored=False)
            sent_at = time.monotonic()

    restore(state, checkpoints, log, ping)
    _sign_of_life(state, ranks, restored=True)


def _sign_of_life(state: TrainState, ranks: Collectives, *, restored: bool) -> bool:
    """Send from rank 0 whether it has restored the state; return what it sent."""
    sign = torch.full((1,), float(restored), device=state.device)
    ranks.broadcast(sign, 0)
    return bool(sign)


def _held_states(state: TrainState, ranks: Collectives) -> list[HeldState]:
    """Return what the state of each rank is."""
    names = list(state.counters)
    rows = torch.zeros((ranks.size, 1 + len(names)), dtype=torch.int64, device=state.device)
    if state.complete:
        rows[ranks.rank] = torch.tensor([state.step + 1, *state.counters.values()])
    ranks.all_reduce(rows.view(-1))
    return [
        HeldState(step=step - 1, bad_steps=BadStepCounts.of(dict(zip(names, counters, strict=True))))
        for step, *counters in rows.tolist()
    ]


def _broadcast_chunk(chunk: Tensor, ranks: Collectives, source: int) -> None:
    if ranks.rank == source:
        ranks.broadcast(chunk, source)
        return
    received = torch.empty_like(chunk)
    ranks.broadcast(received, source)
    chunk.copy_(received)


def _broadcast_state(state: TrainState, ranks: Collectives, *, source: int, behind: Sequence[int], step: int) -> None:
    """Send the state of `source` to all ranks. A receiver's state is incomplete until it has received all of it.

    Chunks are received in memory of their own: a chunk of a generation that has ended can still arrive later.
    """
    fault_point("state_sync")
    if ranks.rank in behind:
        state.mark_incomplete()
    for buffer in state.buffers.values():
        for chunk in torch.split(buffer, CHUNK_ELEMENTS):
            state.ping_watchdog()
            _broadcast_chunk(chunk, ranks, source)
    names = list(state.counters)
    numbers = torch.tensor([state.counters[name] for name in names], dtype=torch.int64, device=state.device)
    ranks.broadcast(numbers, source)
    history = history_of(_broadcast_bytes(history_bytes(state.history), state, ranks, source))
    state.mark_complete(step, dict(zip(names, numbers.tolist(), strict=True)), history)


def _broadcast_bytes(content: bytes, state: TrainState, ranks: Collectives, source: int) -> bytes:
    """Return the bytes that `source` sends, whose number the others don't know."""
    size = torch.tensor([len(content)], dtype=torch.int64, device=state.device)
    ranks.broadcast(size, source)
    sent = torch.zeros(int(size), dtype=torch.uint8, device=state.device)
    if ranks.rank == source:
        sent.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
    ranks.broadcast(sent, source)
    return sent.cpu().numpy().tobytes()
