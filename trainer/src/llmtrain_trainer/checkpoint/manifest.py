"""What a checkpoint says of itself, and whether it is true."""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from llmtrain_api.model import Model
from llmtrain_trainer.errors import CheckpointInvalid

MANIFEST_FILE = "manifest.json"
FORMAT = 1


class FileDigest(Model):
    """One file of a checkpoint."""

    sha256: str
    size_bytes: int


class Manifest(Model):
    """Contents of `manifest.json`. A checkpoint without a valid one doesn't exist."""

    format: int = FORMAT
    step: int
    """Steps done."""
    time: str
    job: str
    dataset: str
    """The dataset that was trained on: the order of its samples goes on from `step`."""
    parameters: int
    held_out_loss: float | None = None
    """Loss on held-out text after this step, in nats a token; None if it was not evaluated."""
    numerics: str = ""
    """What computed it: see training/numerics.py."""
    files: dict[str, FileDigest]


def digest_file(file: Path) -> FileDigest:
    """Return what the manifest says of `file`."""
    with file.open("rb") as content:
        return FileDigest(sha256=hashlib.file_digest(content, "sha256").hexdigest(), size_bytes=file.stat().st_size)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a checkpoint; CheckpointRefused if there is no valid one."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise CheckpointInvalid(f"{folder.name} has no valid manifest") from error
    if manifest.format != FORMAT:
        raise CheckpointInvalid(f"{folder.name} is of format {manifest.format}, not {FORMAT}")
    return manifest


def verify(folder: Path) -> Manifest:
    """Return the manifest after comparing every file with it; CheckpointRefused names the one that differs."""
    manifest = read_manifest(folder)
    for name, promised in manifest.files.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != promised.size_bytes:
            raise CheckpointInvalid(f"{folder.name}/{name} is missing or incomplete")
        if digest_file(file) != promised:
            raise CheckpointInvalid(f"{folder.name}/{name} isn't what was written: its checksum differs")
    return manifest
