"""The checkpoint writer reports what it wrote, and why it wrote nothing."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.checkpoint.manifest import Manifest, verify
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.checkpoint.writer import disk_full_message, handle_request
from llmtrain_trainer.checkpoint.writer_protocol import TensorSlice, WriteRequest
from unit.trainer.builders import flip_last_bit

MEMORY = np.arange(6, dtype=np.float32)


def request(job_directory: Path, term: int = 0) -> WriteRequest:
    return WriteRequest(
        job_directory=str(job_directory),
        term=term,
        keep_last=1,
        keep_best=0,
        manifest=Manifest(step=3, time="", job="job", dataset="dataset", parameters=4, files={}),
        slices=[
            TensorSlice(file="weights.safetensors", name="matrix", offset=0, shape=[2, 2]),
            TensorSlice(file="optimizer.safetensors", name="mean/vector", offset=4, shape=[2]),
        ],
    )


def test_a_checkpoint_holds_the_slices_of_the_memory(tmp_path: Path) -> None:
    result = handle_request(request(tmp_path), MEMORY)
    assert result.checkpoint is not None
    directory = Path(result.checkpoint.path)
    assert verify(directory).step == 3
    assert load_file(directory / "weights.safetensors")["matrix"].tolist() == [[0, 1], [2, 3]]
    assert load_file(directory / "optimizer.safetensors")["mean/vector"].tolist() == [4, 5]
    assert result.stats is not None
    assert result.stats.size_bytes == sum(
        (directory / name).stat().st_size for name in ("weights.safetensors", "optimizer.safetensors")
    )


def test_a_complete_checkpoint_is_not_written_again_and_a_damaged_one_is(tmp_path: Path) -> None:
    first = handle_request(request(tmp_path), MEMORY)
    again = handle_request(request(tmp_path), MEMORY + 1)
    assert first.checkpoint is not None
    assert (again.checkpoint, again.stats) == (first.checkpoint, None)
    directory = Path(first.checkpoint.path)
    assert load_file(directory / "weights.safetensors")["matrix"].tolist() == [[0, 1], [2, 3]]
    flip_last_bit(directory / "weights.safetensors")
    assert handle_request(request(tmp_path), MEMORY + 1).stats is not None
    assert load_file(verified(directory) / "weights.safetensors")["matrix"].tolist() == [[1, 2], [3, 4]]


def verified(directory: Path) -> Path:
    """Return the directory of a checkpoint that is complete."""
    verify(directory)
    return directory


@pytest.mark.parametrize("method", ["prune", "record_saved"])
def test_an_error_while_old_checkpoints_are_removed_costs_nothing_of_the_new_one(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(CheckpointStore, method, fail)
    result = handle_request(request(tmp_path), MEMORY)
    assert result.checkpoint is not None
    assert (verify(Path(result.checkpoint.path)).step, result.error) == (3, "")
    captured = capfd.readouterr()
    assert captured.out == ""  # standard output is for results
    assert "checkpointsNotPruned" in captured.err
    assert "Input/output error" in captured.err


def test_a_parameter_without_dimensions_is_written_as_one(tmp_path: Path) -> None:
    scalar = TensorSlice(file="weights.safetensors", name="scale", offset=5, shape=[])
    result = handle_request(request(tmp_path).model_copy(update={"slices": [scalar]}), MEMORY)
    assert result.checkpoint is not None
    scale = load_file(Path(result.checkpoint.path) / "weights.safetensors")["scale"]
    assert (scale.shape, float(scale)) == ((), 5.0)


def test_that_there_is_a_checkpoint_is_recorded(tmp_path: Path) -> None:
    handle_request(request(tmp_path), MEMORY)
    assert CheckpointStore(job_directory=tmp_path, log=JsonLog()).saved_step() == 3


def test_an_older_coordinators_checkpoint_is_not_written(tmp_path: Path) -> None:
    acquire_fence(tmp_path, 2)
    result = handle_request(request(tmp_path, term=1), MEMORY)
    assert (result.checkpoint, result.fenced) == (None, True)
    assert "of term 2, trains this job now" in result.error
    assert list((tmp_path / "checkpoints").iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), id="error number"),
        pytest.param(RuntimeError("I/O error: No space left on device (os error 28)"), id="text of another library"),
    ],
)
def test_a_full_disk_is_reported_with_a_remedy(error: Exception) -> None:
    message = disk_full_message(error, Path("/checkpoints"))
    assert message is not None
    assert message.startswith("No space left on device: /checkpoints; enlarge the checkpoint volume, or lower spec.")


def test_another_error_is_not_a_full_disk() -> None:
    assert disk_full_message(PermissionError(errno.EACCES, "Permission denied"), Path("/checkpoints")) is None
