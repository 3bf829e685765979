"""The checkpoints of a job: their directories, which of them are complete, the newest one, and which ones are kept.

A checkpoint is *complete* if its manifest is valid and every file has the checksum in it. Only complete checkpoints are
kept, counted, restored and published; any other one is *damaged* and is replaced when its step is saved again. That a
checkpoint can't be read makes it neither: the volume's error (OSError) is passed on.
"""

import contextlib
import json
import math
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.atomic_directory import atomic_write
from llmtrain_trainer.checkpoint.backoff import Backoff
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, Manifest, read_manifest, read_sound_manifest, verify
from llmtrain_trainer.errors import CheckpointInvalid, VolumeUnreadable

PREFIX = "step-"
STATE_FILES = {"weight": "weights.safetensors", "optimizer": "optimizer.safetensors"}
SAVED_FILE = "saved.json"
"""Records beside the checkpoints that there was one, so that a training whose checkpoints vanished is noticed."""
DAMAGED_FILE = "damaged.txt"
"""In a checkpoint whose checksums did not match: processes that read no data then know it too."""

Result = TypeVar("Result")
Fingerprint = tuple[tuple[str, int, int, int], ...]
"""Name, size, time of the last change and inode of each file of a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The result of a search for the newest complete checkpoint."""

    newest: Manifest | None
    damaged: tuple[str, ...]
    """What is wrong with each newer one, newest first."""


@dataclass(frozen=True, kw_only=True)
class CheckpointStore:
    """The directory `checkpoints` of a job."""

    job_directory: Path
    log: JsonLog
    backoff: Backoff = field(default_factory=Backoff)
    """How long a volume that answers with errors is read again."""
    _verdicts: dict[Path, tuple[Fingerprint, str]] = field(default_factory=dict, repr=False)
    """What this process found wrong with a checkpoint when its files had this fingerprint; empty if it was complete."""

    @property
    def root(self) -> Path:
        """The directory that holds the checkpoints."""
        return self.job_directory / "checkpoints"

    def path(self, step: int) -> Path:
        """Return the directory of the checkpoint after `step` steps."""
        return self.root / f"{PREFIX}{step:08d}"

    def is_complete(self, step: int) -> bool:
        """Return whether the checkpoint after `step` steps is complete. OSError if it can't be read."""
        return self._is_complete(self.path(step))

    def is_verified(self, step: int) -> bool:
        """Return whether this process has found it complete, and it has not changed since. No data is read."""
        with contextlib.suppress(OSError, CheckpointInvalid):
            directory = self.path(step)
            return self._verdicts.get(directory) == (_fingerprint(directory, read_manifest(directory)), "")
        return False

    def mark_verified(self, step: int) -> None:
        """Record that the checkpoint after `step` steps has just been written, or found complete, by the writer."""
        with contextlib.suppress(OSError, CheckpointInvalid):
            directory = self.path(step)
            self._verdicts[directory] = (_fingerprint(directory, read_sound_manifest(directory)), "")

    def newest_manifest(self) -> Manifest | None:
        """Return the manifest of the newest checkpoint, None without one, by the manifests and the sizes of files alone.

        OSError if they can't be read.
        """
        for directory in self._directories():
            try:
                return _read_undamaged_manifest(directory)
            except CheckpointInvalid as error:
                self._log_rejected(directory, error)
        return None

    def find_newest(
        self,
        require: Callable[[Manifest], None] = lambda manifest: None,
        ping_watchdog: Callable[[], None] = lambda: None,
    ) -> Found:
        """Find the newest complete checkpoint; damaged ones are logged and skipped.

        `require` may refuse each manifest before data is read. VolumeUnreadable if the volume answers with errors for longer
        than the back-off allows.
        """
        return self.retry(lambda: self._find_newest(require, ping_watchdog), ping_watchdog)

    def retry(self, read: Callable[[], Result], ping_watchdog: Callable[[], None] = lambda: None) -> Result:
        """Return the result of `read`, which is called again after an OSError. VolumeUnreadable after the last attempt."""
        last: OSError | None = None
        for seconds in self.backoff.attempts(ping_watchdog):
            try:
                return read()
            except OSError as error:
                last = error
                self.log.warning(TrainerEvent.CHECKPOINT_UNREADABLE, message=str(error), seconds=round(seconds, 1))
        raise VolumeUnreadable(
            f"the checkpoints in {self.root} ({self.names()}) can't be read: {last}; it was tried for "
            f"{self.backoff.limit_seconds:.0f} s. Check the checkpoint volume; if one checkpoint alone can't be read, "
            "delete its directory to resume from the one before it"
        ) from last

    def saved_step(self) -> int | None:
        """Return the newest step that was ever saved; None if none is recorded. OSError if that can't be read."""
        try:
            return int(json.loads((self.job_directory / SAVED_FILE).read_bytes())["step"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):  # a damaged record is one
            return 0

    def record_saved(self, step: int) -> None:
        """Record that the checkpoint after `step` steps was saved."""
        atomic_write(self.job_directory / SAVED_FILE, json.dumps({"step": step}))

    def names(self) -> str:
        """Return the names of the checkpoints that are there, newest first, for messages."""
        try:
            return ", ".join(directory.name for directory in self._directories()) or "none is there"
        except OSError:
            return "their names can't be read"

    def prune(self, *, keep_last: int, keep_best: int) -> None:
        """Remove all but the `keep_last` newest complete ones and the `keep_best` of the best evaluations.

        A damaged one is not counted. It is removed like any other one that is older than the `keep_last` newest: a
        volume may be wrong about it for a while, and until then fewer complete ones could replace it. OSError, and
        nothing is removed, if one that matters can't be read.
        """
        directories = self._directories()
        if len(directories) <= keep_last:
            return
        last = self._first_complete(directories, keep_last)
        if len(last) < keep_last:
            return
        kept = {*last, *self._first_complete(_best_first(directories), keep_best)}
        for directory in directories[directories.index(last[-1]) :]:
            if directory not in kept:
                shutil.rmtree(directory, ignore_errors=True)

    def _first_complete(self, directories: Iterable[Path], count: int) -> list[Path]:
        """Return the first `count` complete ones of `directories`."""
        complete: list[Path] = []
        for directory in directories:
            if len(complete) == count:
                break
            if self._is_complete(directory):
                complete.append(directory)
        return complete

    def _find_newest(self, require: Callable[[Manifest], None], ping_watchdog: Callable[[], None]) -> Found:
        damaged: list[str] = []
        directories = self._directories()
        for directory in directories:
            try:
                require(read_sound_manifest(directory))
                return Found(newest=self._verify(directory, ping_watchdog), damaged=tuple(damaged))
            except CheckpointInvalid as error:
                self._log_rejected(directory, error)
                damaged.append(str(error))
        if self._directories() != directories:  # a writer that still runs has saved one and removed others
            return self._find_newest(require, ping_watchdog)
        return Found(newest=None, damaged=tuple(damaged))

    def _directories(self) -> list[Path]:
        """Return the directories of checkpoints, that with the most steps first. OSError if they can't be listed."""
        try:
            found = [path for path in self.root.iterdir() if _step_of(path) is not None and _is_directory(path)]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda path: _step_of(path) or 0, reverse=True)

    def _is_complete(self, directory: Path) -> bool:
        try:
            self._verify(directory)
        except CheckpointInvalid:
            return False
        return True

    def _verify(self, directory: Path, ping_watchdog: Callable[[], None] = lambda: None) -> Manifest:
        """Return the manifest of a complete checkpoint. Checksums are compared again only if a file has changed."""
        manifest = read_sound_manifest(directory)
        if manifest.step != _step_of(directory):
            raise CheckpointInvalid(f"{directory.name} has the manifest of step {manifest.step}")
        fingerprint = _fingerprint(directory, manifest)
        known, verdict = self._verdicts.get(directory, ((), ""))
        if known != fingerprint:
            verdict = _damage_of(directory, ping_watchdog)
            self._verdicts[directory] = (fingerprint, verdict)
        if verdict:
            raise CheckpointInvalid(verdict)
        return manifest

    def _log_rejected(self, directory: Path, error: CheckpointInvalid) -> None:
        self.log.warning(TrainerEvent.CHECKPOINT_REJECTED, checkpoint=directory.name, message=str(error))


def _step_of(directory: Path) -> int | None:
    """Return the steps in the name of a checkpoint's directory; None if it is not one."""
    match = re.fullmatch(rf"{PREFIX}(\d+)", directory.name)
    return int(match[1]) if match else None


def _is_directory(path: Path) -> bool:
    """Return whether `path` is a directory. OSError if that is unknown, which `Path.is_dir` can hide."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _fingerprint(directory: Path, manifest: Manifest) -> Fingerprint:
    stats = ((name, (directory / name).stat()) for name in (MANIFEST_FILE, *sorted(manifest.files)))
    return tuple((name, status.st_size, status.st_mtime_ns, status.st_ino) for name, status in stats)


def _best_first(directories: Iterable[Path]) -> list[Path]:
    """Return the directories of evaluated steps, the best one first, the older one of two equal ones."""
    found: list[tuple[float, int, Path]] = []
    for directory in directories:
        with contextlib.suppress(CheckpointInvalid):
            manifest = read_sound_manifest(directory)
            by_loss = manifest.identity.get("spec.evaluation.best", "loss") == "loss"
            value = manifest.held_out_loss if by_loss else manifest.ranking_value
            if value is not None and math.isfinite(value):
                found.append((value, manifest.step, directory))
    return [directory for _, _, directory in sorted(found)]


def _read_undamaged_manifest(directory: Path) -> Manifest:
    """Return the manifest unless the checkpoint is known to be damaged. CheckpointInvalid if it is."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        raise CheckpointInvalid((directory / DAMAGED_FILE).read_text(errors="replace"))
    return read_sound_manifest(directory)


def _damage_of(directory: Path, ping_watchdog: Callable[[], None]) -> str:
    """Return what is wrong with the contents of a checkpoint, empty if nothing is, and mark or unmark it."""
    mark = directory / DAMAGED_FILE
    try:
        verify(directory, ping_watchdog)
    except CheckpointInvalid as error:
        with contextlib.suppress(OSError):  # the mark is for those that read no data
            mark.write_text(str(error))
        return str(error)
    with contextlib.suppress(OSError):
        mark.unlink(missing_ok=True)
    return ""
