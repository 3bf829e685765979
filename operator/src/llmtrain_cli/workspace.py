"""Where a run keeps its files below `--directory`, and what the next run must know of it.

volumes/<volume>/       the job's volumes; the text is read here, checkpoints and the model are written here
jobs/<job>/             run.json, spec.json, first-loss, lock, one outcome a process
logs/<job>/             one .jsonl a process
"""

import contextlib
import fcntl
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.names import job_directory
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_file import Job

NAMESPACE = "local"
FIXED_PARTS = ("entrypoint", "model", "task", "data", "training")
"""Parts of the spec that checkpoints depend on."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The files of one job in one directory."""

    directory: Path
    job: Job

    @property
    def uid(self) -> str:
        """Return the job's uid: the same for the same directory and name, so that the next run goes on."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.directory.resolve()}/{self.job.name}"))

    @property
    def own(self) -> Path:
        """Return the folder of what this job's runs remember."""
        return self.directory / "jobs" / self.job.name

    @property
    def logs(self) -> Path:
        """Return the folder of this job's logs."""
        return self.directory / "logs" / self.job.name

    @property
    def run_file(self) -> Path:
        """Return the run config's file."""
        return self.own / "run.json"

    @property
    def results(self) -> Path:
        """Return the folder of this job's checkpoints and model, and of what its own program writes."""
        return self.volume(self.job.spec.checkpoint.volume) / job_directory(self.job.name, self.uid)

    def volume(self, name: str) -> Path:
        """Return the folder that stands for a volume."""
        return self.directory / "volumes" / name

    @contextlib.contextmanager
    def opened(self, *, fresh: bool) -> Iterator[None]:
        """Make the folders and keep other runs out. BadInput if another one, or what an earlier one left, is in the way."""
        for path in (self.own, self.logs, self.results, self.volume(self.job.spec.data.source.volume)):
            path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if fresh:
                self._clear()
            self._refuse_changes()
            (self.own / "spec.json").write_text(json.dumps(self._fixed_parts()))
            yield

    def write_run_config(self, port: int) -> RunConfig:
        """Write the file that every process of this run reads."""
        run = run_config(
            self.job.spec,
            job=self.job.name,
            namespace=NAMESPACE,
            uid=self.uid,
            data_directory=str(self.volume(self.job.spec.data.source.volume).resolve()),
            job_directory=str(self.results.resolve()),
            coordinator=f"127.0.0.1:{port}",
        )
        self.run_file.write_text(run.model_dump_json(by_alias=True, exclude_none=True))
        return run

    def first_loss(self, seen: float | None) -> float | None:
        """Return the loss of the job's first step: the one seen by its first run, even if this is a later one."""
        file = self.own / "first-loss"
        if not file.exists() and seen is not None:
            file.write_text(repr(seen))
        return float(file.read_text()) if file.exists() else None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.own / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sentence = f"another `llmtrain run` is training job {self.job.name} in {self.directory}."
                raise BadInput(sentence) from None
            yield

    def _clear(self) -> None:
        for path in (self.results, self.logs):
            shutil.rmtree(path)
            path.mkdir()
        (self.own / "first-loss").unlink(missing_ok=True)

    def _fixed_parts(self) -> dict[str, object]:
        document = self.job.spec.document()
        return {part: document[part] for part in FIXED_PARTS if part in document}

    def _refuse_changes(self) -> None:
        """Checkpoints of one training are of no use to another."""
        file = self.own / "spec.json"
        if not file.exists() or not any(self.results.iterdir()):
            return
        before = json.loads(file.read_text())
        now = self._fixed_parts()
        changed = [f"spec.{part}" for part in FIXED_PARTS if before.get(part) != now.get(part)]
        if changed:
            raise BadInput(
                f"{' and '.join(changed)} can't be changed: {self.results} holds what job {self.job.name} has trained; "
                "add --fresh to throw that away and begin anew, or give the job another name."
            )
