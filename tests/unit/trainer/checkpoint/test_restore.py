"""A training resumes from what is complete, and starts at step 0 only if there never was a checkpoint."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint import restore as restore_module
from llmtrain_trainer.checkpoint.restore import load_into, restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput, VolumeUnreadable
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import Clock, MakeCheckpointer, MakeRun, flip_last_bit, make_state

TRAINING = {"steps": 20, "microbatches": 4, "microbatchSize": 2, "warmupSteps": 2}


def train(state: TrainState, steps: int) -> None:
    for _ in range(steps):
        state.train_step(SingleProcess(), StopVotes())


@pytest.fixture
def saved(make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog) -> TrainState:
    """A state after four steps, with checkpoints after steps 2 and 4."""
    state = make_state(make_run(), log)
    checkpointer = make_checkpointer(state)
    for _ in range(2):
        train(state, 2)
        checkpointer.save()
        checkpointer.require_saved()
    return state


@pytest.fixture
def fresh(saved: TrainState, make_run: MakeRun, log: JsonLog) -> TrainState:
    """The state of a process that starts."""
    state = make_state(make_run(), log)
    state.mark_incomplete()
    return state


def damage_manifest(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").mkdir()


DAMAGES = [
    pytest.param(lambda path: flip_last_bit(path / "weights.safetensors"), id="contents"),
    pytest.param(damage_manifest, id="manifests"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_if_every_checkpoint_is_damaged_training_does_not_start_at_step_0(
    damage: Callable[[Path], None], saved: TrainState, fresh: TrainState, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    for step in (2, 4):
        damage(checkpoints.path(step))
    with pytest.raises(BadInput, match=r"every checkpoint in .* is damaged: step-00000004.*; step-00000002") as error:
        restore(fresh, checkpoints, log)
    assert "to train from step 0, delete" in str(error.value)
    assert fresh.held_step is None


def test_if_all_checkpoints_have_vanished_training_does_not_start_at_step_0(
    saved: TrainState, fresh: TrainState, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    shutil.rmtree(checkpoints.root)
    with pytest.raises(BadInput, match="is empty, but step-00000004 was saved there"):
        restore(fresh, checkpoints, log)


def test_training_starts_at_step_0_on_request(
    saved: TrainState, fresh: TrainState, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    """The request is what the message asks for."""
    shutil.rmtree(checkpoints.root)
    (checkpoints.job_directory / "saved.json").unlink()
    restore(fresh, checkpoints, log)
    assert fresh.held_step == 0


def test_an_unreadable_volume_ends_the_process_after_a_while(
    saved: TrainState, fresh: TrainState, checkpoints: CheckpointStore, log: JsonLog, clock: Clock
) -> None:
    away = checkpoints.root.with_name("away")
    checkpoints.root.rename(away)
    checkpoints.root.write_text("in the way")
    with pytest.raises(VolumeUnreadable, match="Not a directory"):
        restore(fresh, checkpoints, log)
    assert clock.seconds > 30
    assert fresh.held_step is None


@pytest.mark.parametrize("dropout", ["0", "0.2"])
def test_steps_after_a_checkpoint_give_the_bits_of_a_training_that_never_stopped(
    dropout: str, make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    run = make_run(training={**TRAINING, "dropout": dropout})
    state, resumed = make_state(run, log), make_state(run, log)
    checkpointer = make_checkpointer(state)
    train(state, 2)
    checkpointer.save()
    checkpointer.require_saved()
    train(state, 2)
    restore(resumed, checkpoints, log)
    train(resumed, 2)
    for name, tensor in state.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


def test_tensors_are_read_in_pieces_and_each_is_a_sign_of_life(
    saved: TrainState, fresh: TrainState, checkpoints: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_module, "PIECE_ELEMENTS", 100)
    pings: list[int] = []
    load_into(fresh, checkpoints.path(4), 4, lambda: pings.append(1))
    assert len(pings) > 3 * fresh.num_parameters // 200
    assert fresh.held_step == 4
    for name, tensor in saved.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor), name


def test_a_state_is_incomplete_until_all_of_it_is_read(
    saved: TrainState, checkpoints: CheckpointStore, make_run: MakeRun, log: JsonLog
) -> None:
    state = make_state(make_run(), log)

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        load_into(state, checkpoints.path(4), 4, fail)
    assert state.held_step is None


def test_a_job_whose_steps_were_raised_continues(
    saved: TrainState, checkpoints: CheckpointStore, make_run: MakeRun, log: JsonLog
) -> None:
    state = make_state(make_run(training={**TRAINING, "optimizer": {"learningRate": "0.01"}, "steps": 40}), log)
    restore(state, checkpoints, log)
    assert state.held_step == 4
