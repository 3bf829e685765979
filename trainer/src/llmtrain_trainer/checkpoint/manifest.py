"""The manifest of a checkpoint: its description, with the checksums that prove it complete.

A checkpoint that is damaged raises CheckpointInvalid. One that can't be read, because the volume answers with an error,
raises OSError: it is not known to be damaged.
"""

import hashlib
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from llmtrain_api.model import Model
from llmtrain_trainer.checkpoint.history import Curve
from llmtrain_trainer.errors import CheckpointInvalid
from llmtrain_trainer.fault_points import fault_point

MANIFEST_FILE = "manifest.json"
FORMAT = 1
PIECE_BYTES = 2**22
"""Bytes read at once: the watchdog is pinged between two pieces, so a slow volume does not trigger it."""


class FileDigest(Model):
    """Checksum and size of one file."""

    sha256: str
    size_bytes: int


class Manifest(Model):
    """Contents of `manifest.json`. A directory without a valid manifest is not a checkpoint."""

    format: int = FORMAT
    step: int
    """Steps done."""
    time: str
    job: str
    dataset: str
    """The dataset trained on: the order of its samples continues from `step`."""
    parameters: int
    held_out_loss: float | None = None
    """Held-out loss after this step in nats per token, or the task's loss per sample; None if it was not evaluated."""
    ranking_value: float | None = None
    """What checkpoints are compared by, the lowest is the best; None for the held-out loss."""
    numerics: str = ""
    """Numerics of the ranks that computed the state, as `training/determinism.py` defines them."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Numbers of the state besides its tensors, by name."""
    history: dict[str, Curve] = Field(default_factory=dict)
    """Losses and scores by step, by name. Earlier versions did not record it."""
    identity: Mapping[str, str] = Field(default_factory=dict)
    """What else the state depends on, by the job's field: see identity.py. Earlier versions did not record it."""
    files: dict[str, FileDigest]


def digest_file(file: Path, ping_watchdog: Callable[[], None] = lambda: None) -> FileDigest:
    """Return checksum and size of `file`."""
    digest, size_bytes, piece = hashlib.sha256(), 0, bytearray(PIECE_BYTES)
    with file.open("rb", buffering=0) as content:
        while read_bytes := content.readinto(piece):
            fault_point("read")
            ping_watchdog()
            digest.update(memoryview(piece)[:read_bytes])
            size_bytes += read_bytes
    return FileDigest(sha256=digest.hexdigest(), size_bytes=size_bytes)


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest of a checkpoint. CheckpointInvalid if there is no valid one."""
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST_FILE).read_bytes(), extra="ignore")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValidationError) as error:
        raise CheckpointInvalid(f"{directory.name} has no valid manifest") from error
    if manifest.format != FORMAT:
        raise CheckpointInvalid(f"{directory.name} has format {manifest.format}, not {FORMAT}")
    return manifest


def read_sound_manifest(directory: Path) -> Manifest:
    """Return the manifest after every file had its size, without reading them. CheckpointInvalid if one does not."""
    manifest = read_manifest(directory)
    for name, expected in manifest.files.items():
        if _size_bytes(directory / name) != expected.size_bytes:
            raise CheckpointInvalid(f"{directory.name}/{name} is missing or incomplete")
    return manifest


def verify(directory: Path, ping_watchdog: Callable[[], None] = lambda: None) -> Manifest:
    """Return the manifest after every file matched its checksum. CheckpointInvalid names the first that does not."""
    manifest = read_sound_manifest(directory)
    for name, expected in manifest.files.items():
        if digest_file(directory / name, ping_watchdog) != expected:
            raise CheckpointInvalid(f"{directory.name}/{name} is corrupt: its checksum differs")
    return manifest


def _size_bytes(file: Path) -> int | None:
    """Return the size of a regular file; None if there is none. OSError if that is unknown, which `is_file` can hide."""
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
