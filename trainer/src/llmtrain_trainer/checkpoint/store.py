"""The checkpoints of a job: their directories, the newest valid one, and which ones are kept."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_api.events import TrainerEvent
from llmtrain_trainer.checkpoint.manifest import Manifest, read_manifest, verify
from llmtrain_trainer.errors import CheckpointInvalid
from llmtrain_trainer.log import Log

PREFIX = "step-"
STATE_FILES = {"weight": "weights.safetensors", "optimizer": "optimizer.safetensors"}


@dataclass(frozen=True, kw_only=True)
class CheckpointStore:
    """The directory `checkpoints` of a job."""

    job_directory: Path
    log: Log
    _verified: dict[Path, Manifest] = field(default_factory=dict, repr=False)

    @property
    def root(self) -> Path:
        """The directory that holds the checkpoints."""
        return self.job_directory / "checkpoints"

    def path(self, step: int) -> Path:
        """Return the directory of the checkpoint after `step` steps."""
        return self.root / f"{PREFIX}{step:08d}"

    def newest(self) -> Manifest | None:
        """Return the newest valid checkpoint; None if there is none. Invalid ones are logged and skipped."""
        for directory in sorted(self._directories(), reverse=True):
            try:
                return self._verify(directory)
            except CheckpointInvalid as error:
                self.log.warning(TrainerEvent.CHECKPOINT_REJECTED, checkpoint=directory.name, message=str(error))
        return None

    def newest_step(self) -> int:
        """Return the number of steps of the newest valid checkpoint; 0 if there is none."""
        newest = self.newest()
        return newest.step if newest else 0

    def prune(self, *, keep_last: int, keep_best: int) -> None:
        """Remove all but the `keep_last` newest and the `keep_best` with the lowest held-out loss."""
        directories = sorted(self._directories(), reverse=True)
        best = sorted((loss, path) for path in directories if (loss := _held_out_loss(path)) is not None)
        kept = {*directories[:keep_last], *(path for _, path in best[:keep_best])}
        for directory in directories:
            if directory not in kept:
                shutil.rmtree(directory, ignore_errors=True)

    def _directories(self) -> list[Path]:
        return [path for path in self.root.glob(f"{PREFIX}*") if path.is_dir()]

    def _verify(self, directory: Path) -> Manifest:
        """Compare checksums once per process: a checkpoint never changes after it was renamed."""
        if directory not in self._verified:
            self._verified[directory] = verify(directory)
        return self._verified[directory]


def _held_out_loss(directory: Path) -> float | None:
    try:
        return read_manifest(directory).held_out_loss
    except CheckpointInvalid:
        return None
