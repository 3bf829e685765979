"""The manifest of a checkpoint: its description, with the checksums that prove it complete."""

import hashlib
from pathlib import Path

from pydantic import Field, ValidationError

from llmtrain_api.model import Model
from llmtrain_trainer.errors import CheckpointInvalid

MANIFEST_FILE = "manifest.json"
FORMAT = 1


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
    """Held-out loss after this step in nats per token; None if it was not evaluated."""
    numerics: str = ""
    """Numerics of the ranks that computed the state, as `training/determinism.py` defines them."""
    counters: dict[str, int] = Field(default_factory=dict)
    """Numbers of the state besides its tensors, by name."""
    files: dict[str, FileDigest]


def digest_file(file: Path) -> FileDigest:
    """Return checksum and size of `file`."""
    with file.open("rb") as content:
        return FileDigest(sha256=hashlib.file_digest(content, "sha256").hexdigest(), size_bytes=file.stat().st_size)


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest of a checkpoint. CheckpointInvalid if there is no valid one."""
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST_FILE).read_bytes(), extra="ignore")
    except (OSError, ValidationError) as error:
        raise CheckpointInvalid(f"{directory.name} has no valid manifest") from error
    if manifest.format != FORMAT:
        raise CheckpointInvalid(f"{directory.name} has format {manifest.format}, not {FORMAT}")
    return manifest


def verify(directory: Path) -> Manifest:
    """Return the manifest after every file matched its checksum. CheckpointInvalid names the first that does not."""
    manifest = read_manifest(directory)
    for name, expected in manifest.files.items():
        file = directory / name
        if not file.is_file() or file.stat().st_size != expected.size_bytes:
            raise CheckpointInvalid(f"{directory.name}/{name} is missing or incomplete")
        if digest_file(file) != expected:
            raise CheckpointInvalid(f"{directory.name}/{name} is corrupt: its checksum differs")
    return manifest
