"""The checkpoints of a job: where they are, which is the newest valid one, which ones stay."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_trainer.checkpoint.manifest import Manifest, read_manifest, verify
from llmtrain_trainer.errors import CheckpointInvalid
from llmtrain_trainer.log import Log

PREFIX = "step-"
STATE_FILES = {"weight": "weights.safetensors", "optimizer": "optimizer.safetensors"}


@dataclass(frozen=True, kw_only=True)
class CheckpointStore:
    """The folder `checkpoints` of a job."""

    job_directory: Path
    log: Log
    _verified: dict[Path, Manifest] = field(default_factory=dict, repr=False)

    @property
    def root(self) -> Path:
        """Where they are."""
        return self.job_directory / "checkpoints"

    def path(self, step: int) -> Path:
        """Return the folder of the checkpoint after `step` steps."""
        return self.root / f"{PREFIX}{step:08d}"

    def newest(self) -> Manifest | None:
        """Return the newest checkpoint that is whole. One that isn't is named in the log and passed over."""
        for folder in sorted(self._folders(), reverse=True):
            try:
                return self._verify(folder)
            except CheckpointInvalid as refusal:
                self.log.warning("checkpointRefused", checkpoint=folder.name, message=str(refusal))
        return None

    def newest_step(self) -> int:
        """Return the steps done by the newest whole checkpoint; 0 if there is none."""
        newest = self.newest()
        return newest.step if newest else 0

    def prune(self, *, keep_last: int, keep_best: int) -> None:
        """Remove all but the `keep_last` newest and the `keep_best` with the lowest held-out loss."""
        folders = sorted(self._folders(), reverse=True)
        best = sorted((loss, folder) for folder in folders if (loss := _held_out_loss(folder)) is not None)
        kept = {*folders[:keep_last], *(folder for _, folder in best[:keep_best])}
        for folder in folders:
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return [folder for folder in self.root.glob(f"{PREFIX}*") if folder.is_dir()]

    def _verify(self, folder: Path) -> Manifest:
        """Compare checksums once a process: a checkpoint never changes after it was renamed."""
        if folder not in self._verified:
            self._verified[folder] = verify(folder)
        return self._verified[folder]


def _held_out_loss(folder: Path) -> float | None:
    try:
        return read_manifest(folder).held_out_loss
    except CheckpointInvalid:
        return None
