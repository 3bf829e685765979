"""All ranks start a generation with the newest state."""

import pytest
import torch
from torch import Tensor

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.errors import GenerationEnded
from llmtrain_trainer.trainer import state_sync
from llmtrain_trainer.trainer.state_sync import sync_state
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import MakeCheckpointer, MakeRun, make_state
from unit.trainer.thread_collectives import run_ranks


def sync(states: list[TrainState], checkpoints: CheckpointStore, log: JsonLog) -> list[str]:
    """Synchronize the states of as many ranks; return where the state came from, as each rank saw it."""
    return run_ranks(len(states), lambda ranks: sync_state(states[ranks.rank], checkpoints, ranks, log))


def test_ranks_that_are_behind_receive_the_newest_state(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    ahead, behind, empty = (make_state(make_run(), log) for _ in range(3))
    empty.mark_incomplete()
    ahead.train_step(SingleProcess(), StopVotes())
    expected = ahead.parameters.weights.clone()
    assert sync([empty, behind, ahead], checkpoints, log) == ["Memory"] * 3
    for state in (ahead, behind, empty):
        assert state.held_step == 1
        assert torch.equal(state.parameters.weights, expected)
        assert torch.equal(state.optimizer.buffers["square"], ahead.optimizer.buffers["square"])
        assert state.history == ahead.history
    assert [step for step, _ in ahead.history["trainingLoss"].points] == [1]


def test_without_a_state_in_memory_the_first_rank_restores_one(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    states = [make_state(make_run(), log) for _ in range(2)]
    expected = states[0].parameters.weights.clone()
    for state in states:
        state.mark_incomplete()
        state.parameters.weights.zero_()
    assert sync(states, checkpoints, log) == ["Beginning"] * 2
    assert all(state.held_step == 0 and torch.equal(state.parameters.weights, expected) for state in states)


class LateBytes(SingleProcess):
    """Rank 1 of 2, behind the source: what it receives is overwritten after the synchronization."""

    rank, size = 1, 2

    def __init__(self) -> None:
        self.received: list[torch.Tensor] = []

    def all_reduce(self, tensor: torch.Tensor) -> None:
        tensor[0] = 4

    def broadcast(self, tensor: torch.Tensor, source: int) -> None:
        self.received.append(tensor.fill_(1))


def test_bytes_that_arrive_late_do_not_reach_the_state(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    state, ranks = make_state(make_run(), log), LateBytes()
    assert sync_state(state, checkpoints, ranks, log) == "Memory"
    assert state.held_step == 3
    for tensor in ranks.received:
        tensor.fill_(2)
    assert all(bool((buffer == 1).all()) for buffer in state.buffers.values())
    assert set(state.counters.values()) == {1}


def test_a_newcomer_receives_the_counters(make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog) -> None:
    ahead, empty = (make_state(make_run(), log) for _ in range(2))
    ahead.train_step(SingleProcess(), StopVotes())
    ahead.bad_steps = ahead.bad_steps.after_bad(1).after_rollback(1, 0)
    empty.mark_incomplete()
    sync([empty, ahead], checkpoints, log)
    assert empty.bad_steps == ahead.bad_steps


def test_ranks_wait_for_the_one_that_restores_however_long_it_reads(
    make_run: MakeRun,
    make_checkpointer: MakeCheckpointer,
    checkpoints: CheckpointStore,
    log: JsonLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a sign of life after each piece, no rank waits longer in one collective than for one piece."""
    monkeypatch.setattr(state_sync, "SIGN_SECONDS", 0.0)
    states = [make_state(make_run(), log) for _ in range(3)]
    states[0].train_step(SingleProcess(), StopVotes())
    checkpointer = make_checkpointer(states[0])
    checkpointer.save()
    checkpointer.require_saved()
    expected = states[0].parameters.weights.clone()
    reread = CheckpointStore(job_directory=checkpoints.job_directory, log=log)
    signs = 0

    def synced(ranks: Collectives) -> str:
        nonlocal signs
        state = states[ranks.rank]
        state.mark_incomplete()
        broadcast = ranks.broadcast

        def count(tensor: Tensor, source: int) -> None:
            nonlocal signs
            signs += tensor.numel() == 1 and ranks.rank == 0
            broadcast(tensor, source)

        ranks.broadcast = count  # type: ignore[method-assign]
        return sync_state(state, reread, ranks, log)

    assert run_ranks(3, synced) == ["Checkpoint"] * 3
    assert signs > len(states[0].state_dict())
    assert all(state.held_step == 1 and torch.equal(state.parameters.weights, expected) for state in states)


def test_ranks_on_both_sides_of_a_rollback_get_the_same_state(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    """They have done the same number of steps, but not with the same data: one was cut off before the rollback."""
    first, second, other = (make_state(make_run(), log) for _ in range(3))
    other.bad_steps = other.bad_steps.after_bad(1).after_rollback(1, 0)
    for state in (first, second, other):
        state.train_step(SingleProcess(), StopVotes())
    assert not torch.equal(first.parameters.weights, other.parameters.weights)
    sync([first, other, second], checkpoints, log)
    assert torch.equal(first.parameters.weights, other.parameters.weights)
    assert torch.equal(first.optimizer.buffers["mean"], other.optimizer.buffers["mean"])
    assert first.bad_steps == other.bad_steps == second.bad_steps


class LostSource(LateBytes):
    """As before, but the source is lost after its first chunk."""

    def broadcast(self, tensor: torch.Tensor, source: int) -> None:
        if self.received:
            raise GenerationEnded("a member is lost")
        super().broadcast(tensor, source)


def test_a_rank_that_received_a_part_of_the_state_after_a_rollback_holds_none(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    state = make_state(make_run(), log)
    state.mark_complete(3, {"count": 1})
    with pytest.raises(GenerationEnded):
        sync_state(state, checkpoints, LostSource(), log)
    assert state.held_step is None


def test_a_state_after_a_rollback_is_later_than_one_with_more_steps(
    make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    cut_off, rolled_back = (make_state(make_run(), log) for _ in range(2))
    for _ in range(3):
        cut_off.train_step(SingleProcess(), StopVotes())
    rolled_back.bad_steps = rolled_back.bad_steps.after_bad(4).after_rollback(4, 0)
    rolled_back.train_step(SingleProcess(), StopVotes())
    expected = rolled_back.parameters.weights.clone()
    sync([cut_off, rolled_back], checkpoints, log)
    assert (cut_off.held_step, cut_off.bad_steps) == (1, rolled_back.bad_steps)
    assert torch.equal(cut_off.parameters.weights, expected)
