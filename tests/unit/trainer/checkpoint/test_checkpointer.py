"""Checkpoints are saved while training continues; a damaged one is logged, and the one before it is used."""

import io
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.checkpointer import CheckpointScores
from llmtrain_trainer.checkpoint.manifest import verify
from llmtrain_trainer.checkpoint.restore import load_into, restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.errors import BadInput, CheckpointInvalid, TrainerError
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import Clock, MakeCheckpointer, MakeRun, flip_last_bit, make_state, newest_step


@pytest.fixture
def saved(make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog) -> TrainState:
    """A state with checkpoints after steps 2 and 4; that of step 1 was pruned."""
    state = make_state(make_run(), log)
    checkpointer = make_checkpointer(state)
    for step in (1, 2, 4):
        checkpointer.wait_for_snapshot()
        state.step = step
        state.parameters.weights.add_(step)
        checkpointer.save()
    checkpointer.require_saved()
    return state


def reopen(checkpoints: CheckpointStore) -> CheckpointStore:
    """Return the same store as another process sees it."""
    return CheckpointStore(job_directory=checkpoints.job_directory, log=checkpoints.log, backoff=checkpoints.backoff)


def test_only_the_newest_checkpoints_are_kept(saved: TrainState, checkpoints: CheckpointStore) -> None:
    assert sorted(path.name for path in checkpoints.root.iterdir()) == ["step-00000002", "step-00000004"]


def test_the_best_checkpoint_is_kept_too(
    saved: TrainState, checkpoints: CheckpointStore, make_checkpointer: MakeCheckpointer
) -> None:
    checkpointer = make_checkpointer(saved)
    for step, held_out_loss in ((6, 3.0), (8, 2.0), (10, 2.5), (12, None), (14, 2.1)):
        saved.step = step
        checkpointer.save(CheckpointScores(held_out_loss=held_out_loss))
    checkpointer.require_saved()
    assert sorted(path.name[-2:] for path in checkpoints.root.iterdir()) == ["08", "12", "14"]


def test_the_newest_checkpoint_is_restored(
    saved: TrainState, checkpoints: CheckpointStore, make_run: MakeRun, log: JsonLog
) -> None:
    restored = make_state(make_run(), log)
    restore(restored, checkpoints, log)
    assert restored.held_step == 4
    assert torch.equal(restored.parameters.weights, saved.parameters.weights)


def test_without_a_checkpoint_the_state_is_reset(make_run: MakeRun, checkpoints: CheckpointStore, log: JsonLog) -> None:
    state = make_state(make_run(), log)
    state.parameters.weights.add_(1)
    restore(state, checkpoints, log)
    assert state.held_step == 0
    assert torch.equal(state.parameters.weights, make_state(make_run(), log).parameters.weights)


def test_a_checkpoint_with_other_numerics_is_refused(
    saved: TrainState, checkpoints: CheckpointStore, make_run: MakeRun, log: JsonLog
) -> None:
    restored = make_state(make_run(), log)
    restored.numerics = "cuda 13.2 NVIDIA H200, torch 2.15.0, 1 thread"
    with pytest.raises(BadInput, match=r"step-00000004 was computed with cpu .*, this worker computes with cuda 13.2"):
        restore(restored, checkpoints, log)


Damage = Callable[[Path], object]
DAMAGES = [
    pytest.param(
        "weights.safetensors",
        lambda file: file.write_bytes(file.read_bytes()[:-8]),
        "missing or incomplete",
        id="torn file",
    ),
    pytest.param("optimizer.safetensors", Path.unlink, "missing or incomplete", id="missing file"),
    pytest.param("weights.safetensors", flip_last_bit, "checksum differs", id="flipped bit"),
    pytest.param("manifest.json", Path.unlink, "has no valid manifest", id="missing manifest"),
    pytest.param(
        "manifest.json",
        lambda file: file.write_text(file.read_text()[:40]),
        "has no valid manifest",
        id="torn manifest",
    ),
]


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGES)
def test_the_checkpoint_before_a_damaged_one_is_used(
    name: str, damage: Damage, message: str, saved: TrainState, checkpoints: CheckpointStore, lines: io.StringIO
) -> None:
    damage(checkpoints.path(4) / name)
    found = reopen(checkpoints).find_newest()
    assert found.newest is not None
    assert (found.newest.step, len(found.damaged)) == (2, 1)
    assert newest_step(reopen(checkpoints)) == 2
    assert '"checkpointRejected"' in lines.getvalue()
    assert '"step-00000004"' in lines.getvalue()
    assert message in lines.getvalue()
    with pytest.raises(CheckpointInvalid, match="step-00000004"):
        verify(checkpoints.path(4))


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGES)
def test_a_damaged_checkpoint_is_written_again_when_its_step_is_saved(
    name: str,
    damage: Damage,
    message: str,
    saved: TrainState,
    checkpoints: CheckpointStore,
    make_checkpointer: MakeCheckpointer,
    make_run: MakeRun,
    log: JsonLog,
) -> None:
    damage(checkpoints.path(4) / name)
    checkpointer = make_checkpointer(saved)
    checkpointer.save()
    checkpointer.require_saved()
    assert verify(checkpoints.path(4)).step == 4
    restored = make_state(make_run(), log)
    load_into(restored, checkpoints.path(4), 4)
    assert torch.equal(restored.parameters.weights, saved.parameters.weights)


def test_a_checkpoint_that_is_damaged_once_it_was_saved_is_not_saved(
    saved: TrainState, checkpoints: CheckpointStore, make_checkpointer: MakeCheckpointer
) -> None:
    checkpointer = make_checkpointer(saved)
    saved.step = 6
    checkpointer.save()
    checkpointer.require_saved()
    flip_last_bit(checkpoints.path(6) / "weights.safetensors")
    checkpointer.require_saved()
    assert verify(checkpoints.path(6)).step == 6


def test_a_complete_checkpoint_is_kept_as_it_is(
    saved: TrainState, checkpoints: CheckpointStore, make_checkpointer: MakeCheckpointer, lines: io.StringIO
) -> None:
    before = (checkpoints.path(4) / "manifest.json").read_bytes()
    saved.parameters.weights.add_(1)
    checkpointer = make_checkpointer(saved, reopen(checkpoints))
    checkpointer.save()
    checkpointer.require_saved()
    assert (checkpoints.path(4) / "manifest.json").read_bytes() == before
    assert checkpointer.latest is not None
    assert (checkpointer.latest.step, checkpointer.latest_stats) == (4, None)


def test_the_remains_of_a_failed_writer_are_removed(
    saved: TrainState, checkpoints: CheckpointStore, make_checkpointer: MakeCheckpointer
) -> None:
    left = checkpoints.root / ".unfinished-step-00000005-12345678"
    left.mkdir()
    assert newest_step(reopen(checkpoints)) == 4
    saved.step = 6
    checkpointer = make_checkpointer(saved)
    checkpointer.save()
    checkpointer.require_saved()
    assert not left.exists()


def test_a_snapshot_does_not_change_with_the_state(
    saved: TrainState,
    checkpoints: CheckpointStore,
    make_run: MakeRun,
    log: JsonLog,
    make_checkpointer: MakeCheckpointer,
) -> None:
    checkpointer = make_checkpointer(saved)
    saved.step, expected = 6, saved.parameters.weights.clone()
    checkpointer.save()
    checkpointer.wait_for_snapshot()
    saved.parameters.weights.add_(1)
    checkpointer.require_saved()
    restored = make_state(make_run(), log)
    load_into(restored, checkpoints.path(6), 6)
    assert torch.equal(restored.parameters.weights, expected)


def test_a_failed_write_costs_one_checkpoint(
    saved: TrainState,
    checkpoints: CheckpointStore,
    lines: io.StringIO,
    make_checkpointer: MakeCheckpointer,
    clock: Clock,
) -> None:
    away = checkpoints.root.with_name("away")
    checkpoints.root.rename(away)
    checkpoints.root.write_text("in the way")
    checkpointer = make_checkpointer(saved)
    saved.step = 6
    checkpointer.save()
    with pytest.raises(TrainerError, match=r"step-00000006 could not be written in 60 s: .*checkpoints"):
        checkpointer.require_saved()
    assert clock.seconds > 30
    assert '"checkpointFailed"' in lines.getvalue()
    checkpoints.root.unlink()
    away.rename(checkpoints.root)
    checkpointer.save()
    checkpointer.require_saved()
    assert newest_step(reopen(checkpoints)) == 6


def test_the_last_checkpoint_is_tried_again_while_the_volume_answers_with_errors(
    saved: TrainState, checkpoints: CheckpointStore, make_checkpointer: MakeCheckpointer, clock: Clock
) -> None:
    away = checkpoints.root.with_name("away")
    checkpoints.root.rename(away)
    checkpoints.root.write_text("in the way")

    def heal() -> None:
        if clock.seconds >= 20 and away.exists():
            checkpoints.root.unlink()
            away.rename(checkpoints.root)

    clock.on_sleep = heal
    checkpointer = make_checkpointer(saved)
    saved.step = 6
    checkpointer.save()
    checkpointer.require_saved()
    assert 20 <= clock.seconds < 40
    assert (verify(checkpoints.path(6)).step, checkpointer.error) == (6, "")


def test_a_checkpoint_that_finds_no_room_leaves_nothing_and_the_next_one_is_saved(
    saved: TrainState, checkpoints: CheckpointStore, make_checkpointer: MakeCheckpointer
) -> None:
    """A limit on the size of files stands for a full volume."""
    checkpointer = make_checkpointer(saved)
    saved.step = 5
    checkpointer.save()
    checkpointer.require_saved()
    assert checkpointer._writer is not None
    pid = checkpointer._writer.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (20000, hard))
    saved.step = 6
    checkpointer.save()
    checkpointer.wait()
    assert checkpointer.error
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(path.name for path in checkpoints.root.iterdir()) == ["step-00000004", "step-00000005"]
    saved.step = 7
    checkpointer.save()
    checkpointer.require_saved()
    assert (newest_step(reopen(checkpoints)), checkpointer.error) == (7, "")


def test_a_checkpoint_of_another_network_is_refused_with_the_field(
    saved: TrainState, checkpoints: CheckpointStore, make_run: MakeRun, log: JsonLog
) -> None:
    larger = make_state(make_run(model={"layers": 3, "width": 32, "heads": 4, "contextLength": 16}), log)
    with pytest.raises(BadInput, match=r"spec\.model: step-00000004 holds \d+ parameters, but"):
        load_into(larger, checkpoints.path(4), 4)
