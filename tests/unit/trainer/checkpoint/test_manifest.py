"""A manifest proves a checkpoint complete, and an error of the volume is no damage."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmtrain_trainer.checkpoint.manifest import (
    PIECE_BYTES,
    Manifest,
    digest_file,
    read_manifest,
    read_sound_manifest,
    verify,
)
from llmtrain_trainer.errors import CheckpointInvalid
from llmtrain_trainer.fault_points import arm, disarm_all
from unit.trainer.builders import flip_last_bit

EARLIER = """{"format": 1, "step": 3, "time": "2026-01-01T00:00:00Z", "job": "job", "dataset": "d", "parameters": 4,
  "heldOutLoss": null, "numerics": "cpu AVX2", "files": {}}"""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    disarm_all()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A checkpoint with one file of a little more than two pieces."""
    file = tmp_path / "weights.safetensors"
    file.write_bytes(bytes(2 * PIECE_BYTES + 1))
    manifest = Manifest(step=1, time="", job="job", dataset="d", parameters=1, files={file.name: digest_file(file)})
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json(by_alias=True))
    return tmp_path


def test_the_watchdog_is_pinged_between_two_pieces(directory: Path) -> None:
    pings: list[int] = []
    verify(directory, lambda: pings.append(1))
    assert len(pings) == 3


def test_sizes_are_compared_without_reading_and_checksums_with_it(directory: Path) -> None:
    flip_last_bit(directory / "weights.safetensors")
    assert read_sound_manifest(directory).step == 1
    with pytest.raises(CheckpointInvalid, match="checksum differs"):
        verify(directory)


def test_an_error_while_reading_is_no_damage(directory: Path) -> None:
    def fail(step: int | None) -> None:
        raise OSError(errno.EIO, "Input/output error")

    arm("read", fail)
    with pytest.raises(OSError, match="Input/output error"):
        verify(directory)


def test_a_directory_in_the_place_of_the_manifest_is_damage(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").mkdir()
    with pytest.raises(CheckpointInvalid, match="has no valid manifest"):
        read_manifest(directory)


def test_a_manifest_of_an_earlier_version_has_no_identity(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(EARLIER)
    manifest = read_manifest(tmp_path)
    assert (manifest.step, manifest.dataset, dict(manifest.identity)) == (3, "d", {})


def test_a_manifest_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(EARLIER.replace('"format": 1', '"format": 2'))
    with pytest.raises(CheckpointInvalid, match="has format 2, not 1"):
        read_manifest(tmp_path)
