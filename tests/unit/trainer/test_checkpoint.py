"""A checkpoint is used only if it is whole; one that isn't is named, and the one before is used."""

import io
from pathlib import Path

import pytest
import torch

from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.manifest import verify
from llmtrain_trainer.checkpoint.restore import load_into, restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.errors import BadInput, CheckpointInvalid, TrainerError
from llmtrain_trainer.log import Log
from llmtrain_trainer.training.gpt_task import GPTTask
from unit.trainer.conftest import MakeKeeper, MakeRun, make_learner


@pytest.fixture
def saved(make_run: MakeRun, make_keeper: MakeKeeper, log: Log) -> GPTTask:
    """A learner with checkpoints after steps 2 and 4, of which the last was written last."""
    learner = make_learner(make_run(), log)
    keeper = make_keeper(learner)
    for step in (1, 2, 4):
        learner.wait_for_snapshot()
        learner.step = step
        learner.parameters.weights.add_(step)
        keeper.save()
    keeper.require_saved()
    return learner


def again(checkpoints: CheckpointStore) -> CheckpointStore:
    """The same folder, seen by another process."""
    return CheckpointStore(job_directory=checkpoints.job_directory, log=checkpoints.log)


def test_only_the_newest_stay(saved: GPTTask, checkpoints: CheckpointStore) -> None:
    assert sorted(path.name for path in checkpoints.root.iterdir()) == ["step-00000002", "step-00000004"]


def test_the_best_stays_too(saved: GPTTask, checkpoints: CheckpointStore, make_keeper: MakeKeeper) -> None:
    keeper = make_keeper(saved)
    for step, held_out_loss in ((6, 3.0), (8, 2.0), (10, 2.5), (12, None), (14, 2.1)):
        saved.step = step
        keeper.save(held_out_loss)
    keeper.require_saved()
    assert sorted(path.name[-2:] for path in checkpoints.root.iterdir()) == ["08", "12", "14"]


def test_the_state_comes_back(saved: GPTTask, checkpoints: CheckpointStore, make_run: MakeRun, log: Log) -> None:
    newcomer = make_learner(make_run(), log)
    restore(newcomer, checkpoints, log)
    assert newcomer.held_step == 4
    assert torch.equal(newcomer.parameters.weights, saved.parameters.weights)


def test_without_a_checkpoint_it_begins(make_run: MakeRun, checkpoints: CheckpointStore, log: Log) -> None:
    learner = make_learner(make_run(), log)
    learner.parameters.weights.add_(1)
    restore(learner, checkpoints, log)
    assert learner.held_step == 0
    assert torch.equal(learner.parameters.weights, make_learner(make_run(), log).parameters.weights)


def test_a_checkpoint_of_another_kind_of_worker_is_refused(
    saved: GPTTask, checkpoints: CheckpointStore, make_run: MakeRun, log: Log
) -> None:
    newcomer = make_learner(make_run(), log)
    newcomer.numerics = "cuda 13.2 NVIDIA H200, torch 2.15.0, 1 thread"
    with pytest.raises(BadInput, match=r"step-00000004 was computed with cpu .*, this worker computes with cuda 13.2"):
        restore(newcomer, checkpoints, log)


DAMAGES = [
    ("a torn file", "weights.safetensors", lambda file: file.write_bytes(file.read_bytes()[:-8]), "missing or incomp"),
    ("a missing file", "optimizer.safetensors", Path.unlink, "missing or incomplete"),
    (
        "a flipped byte",
        "weights.safetensors",
        lambda file: file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1])),
        "checksum differs",
    ),
    ("a missing manifest", "manifest.json", Path.unlink, "has no valid manifest"),
    ("half a manifest", "manifest.json", lambda file: file.write_text(file.read_text()[:40]), "has no valid manifest"),
]


@pytest.mark.parametrize(("sentence", "name", "damage", "why"), DAMAGES, ids=[case[0] for case in DAMAGES])
def test_the_one_before_a_damaged_one_is_used(
    sentence: str, name: str, damage: object, why: str, saved: GPTTask, checkpoints: CheckpointStore, lines: io.StringIO
) -> None:
    damage(checkpoints.path(4) / name)  # type: ignore[operator]
    assert again(checkpoints).newest_step() == 2
    assert '"checkpointRefused"' in lines.getvalue()
    assert '"step-00000004"' in lines.getvalue()
    assert why in lines.getvalue()
    with pytest.raises(CheckpointInvalid, match="step-00000004"):
        verify(checkpoints.path(4))


def test_what_a_dead_writer_left_is_no_checkpoint_and_goes(
    saved: GPTTask, checkpoints: CheckpointStore, make_keeper: MakeKeeper
) -> None:
    left = checkpoints.root / ".unfinished-step-00000005-12345678"
    left.mkdir()
    assert again(checkpoints).newest_step() == 4
    saved.step = 6
    keeper = make_keeper(saved)
    keeper.save()
    keeper.require_saved()
    assert not left.exists()


def test_a_snapshot_is_of_its_step_whatever_is_learnt_meanwhile(
    saved: GPTTask, checkpoints: CheckpointStore, make_run: MakeRun, log: Log, make_keeper: MakeKeeper
) -> None:
    keeper = make_keeper(saved)
    saved.step, expected = 6, saved.parameters.weights.clone()
    keeper.save()
    saved.wait_for_snapshot()
    saved.parameters.weights.add_(1)
    keeper.require_saved()
    newcomer = make_learner(make_run(), log)
    load_into(newcomer, checkpoints.path(6), 6)
    assert torch.equal(newcomer.parameters.weights, expected)


def test_what_can_not_be_written_costs_that_checkpoint_alone(
    saved: GPTTask, checkpoints: CheckpointStore, lines: io.StringIO, make_keeper: MakeKeeper
) -> None:
    away = checkpoints.root.with_name("away")
    checkpoints.root.rename(away)
    checkpoints.root.write_text("in the way")
    keeper = make_keeper(saved)
    saved.step = 6
    keeper.save()
    with pytest.raises(TrainerError, match="step-00000006 could not be written"):
        keeper.require_saved()
    assert '"checkpointFailed"' in lines.getvalue()
    checkpoints.root.unlink()
    away.rename(checkpoints.root)
    keeper.save()
    keeper.require_saved()
    assert again(checkpoints).newest_step() == 6


def test_another_network_is_refused_with_the_field(
    saved: GPTTask, checkpoints: CheckpointStore, make_run: MakeRun, log: Log
) -> None:
    larger = make_learner(make_run(model={"layers": 3, "width": 32, "heads": 4, "contextLength": 16}), log)
    with pytest.raises(BadInput, match=r"spec\.model: step-00000004 holds \d+ parameters, but"):
        load_into(larger, checkpoints.path(4), 4)


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_directory(tmp_path / "folder") as unfinished:
            (unfinished / "file").write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("replace", "expected"), [(True, "new"), (False, "old")])
def test_a_folder_that_is_there_is_replaced_or_kept(tmp_path: Path, replace: bool, expected: str) -> None:
    for text in ("old", "new"):
        with atomic_directory(tmp_path / "folder", replace=replace) as unfinished:
            (unfinished / "file").write_text(text)
    assert (tmp_path / "folder" / "file").read_text() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
