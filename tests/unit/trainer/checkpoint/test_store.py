"""Only complete checkpoints are counted, kept and found; what can't be read is neither complete nor damaged."""

import errno
import io
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmtrain_trainer.checkpoint.manifest import Manifest, digest_file
from llmtrain_trainer.checkpoint.store import DAMAGED_FILE, CheckpointStore
from llmtrain_trainer.errors import VolumeUnreadable
from llmtrain_trainer.fault_points import arm, disarm_all
from unit.trainer.builders import Clock, flip_last_bit, newest_step

FILE_BYTES = 2**20


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    disarm_all()


def save(
    checkpoints: CheckpointStore,
    *steps: int,
    held_out_loss: float | None = None,
    ranking_value: float | None = None,
    best: str = "loss",
) -> None:
    """Write complete checkpoints after some steps."""
    for step in steps:
        directory = checkpoints.path(step)
        directory.mkdir(parents=True)
        file = directory / "weights.safetensors"
        file.write_bytes(bytes(FILE_BYTES))
        manifest = Manifest(
            step=step,
            time="",
            job="job",
            dataset="d",
            parameters=1,
            held_out_loss=held_out_loss,
            ranking_value=ranking_value,
            identity={"spec.evaluation.best": best},
            files={file.name: digest_file(file)},
        )
        (directory / "manifest.json").write_text(manifest.model_dump_json(by_alias=True))


def damage(checkpoints: CheckpointStore, step: int) -> None:
    flip_last_bit(checkpoints.path(step) / "weights.safetensors")


def steps(checkpoints: CheckpointStore) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in checkpoints.root.iterdir())


def reopen(checkpoints: CheckpointStore) -> CheckpointStore:
    """Return the same store as another process sees it."""
    return CheckpointStore(job_directory=checkpoints.job_directory, log=checkpoints.log, backoff=checkpoints.backoff)


def characters_read() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


def fail_until(clock: Clock, seconds: float) -> None:
    """Make the volume answer with an error for a while."""

    def fail(step: int | None) -> None:
        if clock.seconds < seconds:
            raise OSError(errno.EIO, "Input/output error")

    arm("read", fail)


def test_steps_are_compared_as_numbers(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 99_999_999, 100_000_000)
    assert newest_step(checkpoints) == 100_000_000
    assert checkpoints.find_newest().newest is not None
    checkpoints.prune(keep_last=1, keep_best=0)
    assert steps(checkpoints) == [100_000_000]


def test_the_newest_step_is_known_from_the_manifests_alone(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2)
    before = characters_read()
    assert newest_step(reopen(checkpoints)) == 2
    assert characters_read() - before < FILE_BYTES / 2


def test_other_files_beside_the_checkpoints_are_left_alone(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2, 4)
    (checkpoints.root / "step-notes").mkdir()
    (checkpoints.root / "step-00000009").write_text("a file")
    assert newest_step(checkpoints) == 4
    checkpoints.prune(keep_last=1, keep_best=0)
    assert sorted(path.name for path in checkpoints.root.iterdir()) == ["step-00000004", "step-00000009", "step-notes"]


def test_a_checkpoint_under_the_name_of_another_step_is_damaged(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2)
    checkpoints.path(2).rename(checkpoints.path(4))
    assert not checkpoints.is_complete(4)
    assert checkpoints.find_newest().damaged == ("step-00000004 has the manifest of step 2",)


def test_only_complete_checkpoints_are_complete(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2, 4)
    damage(checkpoints, 4)
    assert [checkpoints.is_complete(step) for step in (2, 4, 6)] == [True, False, False]


def test_checksums_are_compared_again_once_a_file_has_changed(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2)
    assert not checkpoints.is_verified(2)
    assert checkpoints.is_complete(2)
    before = characters_read()
    assert checkpoints.is_complete(2)
    assert characters_read() - before < FILE_BYTES / 2
    assert checkpoints.is_verified(2)
    damage(checkpoints, 2)
    assert not checkpoints.is_verified(2)
    assert not checkpoints.is_complete(2)


def test_processes_that_read_no_data_know_of_damage_that_another_one_has_found(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2, 4)
    damage(checkpoints, 4)
    assert newest_step(reopen(checkpoints)) == 4
    reopen(checkpoints).find_newest()
    assert newest_step(reopen(checkpoints)) == 2


def test_a_mark_of_damage_is_removed_by_a_process_that_finds_the_contents_complete(
    checkpoints: CheckpointStore,
) -> None:
    save(checkpoints, 2)
    (checkpoints.path(2) / DAMAGED_FILE).write_text("its volume was wrong once")
    assert newest_step(checkpoints) is None
    assert checkpoints.is_complete(2)
    assert newest_step(checkpoints) == 2


PRUNED = [
    pytest.param([2, 4, 6], [], 2, [4, 6], id="the newest ones are kept"),
    pytest.param([2, 4, 6], [4], 2, [2, 4, 6], id="a damaged one is not counted, so an older one stays"),
    pytest.param([2, 4, 6, 8], [4], 2, [6, 8], id="a damaged one goes once enough newer ones are complete"),
    pytest.param([2, 4, 6], [6], 2, [2, 4, 6], id="a damaged newest one shields and replaces nothing"),
    pytest.param([2, 4], [2, 4], 1, [2, 4], id="without a complete one nothing is removed"),
    pytest.param([2], [], 3, [2], id="fewer than are kept"),
]


@pytest.mark.parametrize(("saved", "damaged", "keep_last", "kept"), PRUNED)
def test_damaged_checkpoints_are_never_counted_as_kept(
    saved: list[int], damaged: list[int], keep_last: int, kept: list[int], checkpoints: CheckpointStore
) -> None:
    save(checkpoints, *saved)
    for step in damaged:
        damage(checkpoints, step)
    checkpoints.prune(keep_last=keep_last, keep_best=0)
    assert steps(checkpoints) == kept


def test_a_damaged_checkpoint_is_not_the_best_one(checkpoints: CheckpointStore) -> None:
    save(checkpoints, 2, held_out_loss=1.0)
    save(checkpoints, 4, held_out_loss=2.0)
    save(checkpoints, 6, held_out_loss=3.0)
    save(checkpoints, 8)
    damage(checkpoints, 2)
    checkpoints.prune(keep_last=1, keep_best=1)
    assert steps(checkpoints) == [4, 8]


def test_another_score_than_the_loss_can_say_which_one_is_the_best(checkpoints: CheckpointStore) -> None:
    for step, accuracy, loss in ((2, 0.7, 1.0), (4, 0.9, 2.0), (6, 0.9, 0.5)):
        save(checkpoints, step, held_out_loss=loss, ranking_value=-accuracy, best="accuracy")
    save(checkpoints, 7, held_out_loss=-5.0, best="accuracy")
    save(checkpoints, 8)
    checkpoints.prune(keep_last=1, keep_best=1)
    assert steps(checkpoints) == [4, 8]


def test_nothing_is_removed_while_the_volume_answers_with_errors(checkpoints: CheckpointStore, clock: Clock) -> None:
    save(checkpoints, 2, 4, 6)
    fail_until(clock, 60)
    with pytest.raises(OSError, match="Input/output error"):
        checkpoints.prune(keep_last=1, keep_best=0)
    assert steps(checkpoints) == [2, 4, 6]


def test_a_checkpoint_that_is_removed_during_the_search_is_not_damaged_if_there_is_a_newer_one(
    checkpoints: CheckpointStore,
) -> None:
    """As when a rank that is cut off still saves one."""
    save(checkpoints, 2)

    def replace(manifest: Manifest) -> None:
        if manifest.step == 2:
            save(checkpoints, 4)
            shutil.rmtree(checkpoints.path(2))

    found = checkpoints.find_newest(replace)
    assert found.newest is not None
    assert (found.newest.step, found.damaged) == (4, ())


def test_a_volume_that_answers_with_errors_for_a_while_is_read_again(
    checkpoints: CheckpointStore, clock: Clock, lines: io.StringIO
) -> None:
    save(checkpoints, 2)
    fail_until(clock, 20)
    pings: list[float] = []
    found = checkpoints.find_newest(ping_watchdog=lambda: pings.append(clock.seconds))
    assert found.newest is not None
    assert found.newest.step == 2
    assert clock.seconds < 30
    unreadable = [json.loads(line) for line in lines.getvalue().splitlines() if "checkpointUnreadable" in line]
    assert len(unreadable) == 6
    assert "Input/output error" in unreadable[0]["message"]
    assert max(after - before for before, after in itertools.pairwise(pings)) <= 1.0


def test_a_volume_that_stays_unreadable_is_neither_empty_nor_damaged(
    checkpoints: CheckpointStore, clock: Clock
) -> None:
    save(checkpoints, 2, 4)
    fail_until(clock, 1000)
    with pytest.raises(
        VolumeUnreadable,
        match=r"\(step-00000004, step-00000002\) can't be read: .*Input/output error; it was tried for 60 s",
    ):
        checkpoints.find_newest()
    assert newest_step(checkpoints) == 4


def test_directories_that_cannot_be_listed_are_not_absent(checkpoints: CheckpointStore) -> None:
    checkpoints.job_directory.mkdir()
    checkpoints.root.write_text("not a directory")
    with pytest.raises(NotADirectoryError):
        newest_step(checkpoints)
    with pytest.raises(VolumeUnreadable, match="their names can't be read"):
        checkpoints.find_newest()


@pytest.mark.parametrize("name", ["step-00000002", "weights.safetensors"])
def test_what_the_volume_cannot_find_is_not_absent(
    checkpoints: CheckpointStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Path.is_dir and Path.is_file answer False then, from Python 3.14 on."""
    save(checkpoints, 1, 2)
    plain = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == name:
            raise OSError(errno.EIO, "Input/output error")
        return plain(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    for test in ("is_dir", "is_file"):
        monkeypatch.setattr(Path, test, lambda path: False)
    with pytest.raises(OSError, match="Input/output error"):
        newest_step(checkpoints)


def test_that_there_was_a_checkpoint_is_recorded_beside_them(checkpoints: CheckpointStore) -> None:
    assert checkpoints.saved_step() is None
    checkpoints.record_saved(4)
    assert reopen(checkpoints).saved_step() == 4
    (checkpoints.job_directory / "saved.json").write_text("")
    assert checkpoints.saved_step() == 0
