"""The files of a run below `--directory`, and what the next run of the job reads from them.

volumes/<volume>/       the job's volumes: input text, checkpoints and models
jobs/<job>/             uid, run.json, token, spec.json, first-loss, lock, and a termination message for each process
logs/<job>/             a .jsonl file for each process
"""

import contextlib
import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.job import ModelSource, VectorSource
from llmtrain_api.job_token import new_token
from llmtrain_api.names import job_directory
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_cli.errors import BadInput
from llmtrain_cli.fixed_settings import changed_settings, fixed_settings
from llmtrain_cli.job_file import Job

NAMESPACE = "local"
CONFIG_FILE = "config.json"
"""Of a published model."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The files of one job in one directory."""

    directory: Path
    job: Job

    @property
    def uid(self) -> str:
        """Return the job's uid: that of its first run, so that the next one resumes, also where the directory was moved."""
        return (
            _read(self._uid_file)
            or self._uid_of_last_run()
            or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.directory.resolve()}/{self.job.name}"))
        )

    @property
    def state(self) -> Path:
        """Return the folder of the state that is kept between runs of this job."""
        return self.directory / "jobs" / self.job.name

    @property
    def logs(self) -> Path:
        """Return the folder of this job's logs."""
        return self.directory / "logs" / self.job.name

    @property
    def run_file(self) -> Path:
        """Return the path of the run config."""
        return self.state / "run.json"

    @property
    def token_file(self) -> Path:
        """Return the path of the token, without which the coordinator refuses requests of this machine's other users."""
        return self.state / "token"

    @property
    def results(self) -> Path:
        """Return the folder of this job's checkpoints and model, and of a user program's output."""
        return self.volume(self.job.spec.checkpoint.volume) / job_directory(self.job.name, self.uid)

    def volume(self, name: str) -> Path:
        """Return the folder that a volume is mapped to."""
        return self.directory / "volumes" / name

    @contextlib.contextmanager
    def open(self, *, fresh: bool) -> Iterator[None]:
        """Create the folders and lock them against other runs; `fresh` deletes the results of earlier runs.

        BadInput if another run holds the lock, or if checkpoints of an earlier run don't fit the job.
        """
        for path in (self.state, self.logs, self.results, self.volume(self.job.spec.data.source.volume)):
            path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if fresh:
                self._delete_results()
            self._refuse_changes()
            self._uid_file.write_text(self.uid)
            (self.state / "spec.json").write_text(json.dumps(self._fixed_fields()))
            yield

    def write_run_config(self, port: int) -> RunConfig:
        """Write the run config and the token that every process of this run reads; the coordinator listens on `port`.

        BadInput if the job in `spec.model.from` or `spec.model.vectors` has published nothing.
        """
        model = self.job.spec.model
        model_directory, vectors_path = self._place(model.source, "from"), self._place(model.vectors, "vectors")
        self.token_file.unlink(missing_ok=True)
        with os.fdopen(os.open(self.token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_token())
        config = run_config(
            self.job.spec,
            job=self.job.name,
            namespace=NAMESPACE,
            uid=self.uid,
            data_directory=str(self.volume(self.job.spec.data.source.volume).resolve()),
            model_directory=str(model_directory) if model_directory else None,
            vectors_path=str(vectors_path) if vectors_path else None,
            job_directory=str(self.results.resolve()),
            coordinator=f"127.0.0.1:{port}",
            token_file=str(self.token_file.resolve()),
        )
        self.run_file.write_text(config.model_dump_json(by_alias=True, exclude_none=True))
        return config

    def first_loss(self, reported: float | None) -> float | None:
        """Record the loss of the job's first step once; return the recorded one, also if an earlier run did it."""
        file = self.state / "first-loss"
        if not file.exists() and reported is not None:
            file.write_text(repr(reported))
        return float(file.read_text()) if file.exists() else None

    def _place(self, source: ModelSource | VectorSource | None, field: str) -> Path | None:
        """Return the folder or file of a field of the model; None without it. BadInput if the job that it names has published nothing."""
        if source is None:
            return None
        if source.job is None:
            return self.volume(source.volume or "").resolve() / (source.path or "")
        if source.job == self.job.name:
            raise BadInput(f"spec.model.{field}.job: job {source.job} can't start from its own model; name another job")
        folder = model_of_job(self.directory, source.job)
        if folder is None or not (folder / CONFIG_FILE).is_file():
            raise BadInput(
                f"spec.model.{field}.job: job {source.job} has published no model in {self.directory}; run it to the end first, "
                "or name another job"
            )
        return folder

    @property
    def _uid_file(self) -> Path:
        return self.state / "uid"

    def _uid_of_last_run(self) -> str:
        """Return the uid in the run config: earlier versions recorded it nowhere else. Empty if there is none."""
        try:
            return str(json.loads(_read(self.run_file) or "{}").get("uid", ""))
        except (ValueError, AttributeError):  # a run ended while it wrote the file
            return ""

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.state / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = (
                    f"another `llmtrain run` is training job {self.job.name} in {self.directory}: "
                    "stop it, or use another --directory."
                )
                raise BadInput(message) from None
            yield

    def _delete_results(self) -> None:
        for path in (self.results, self.logs):
            shutil.rmtree(path)
            path.mkdir()
        (self.state / "first-loss").unlink(missing_ok=True)

    def _fixed_fields(self) -> dict[str, object]:
        return fixed_settings(self.job.spec)

    def _refuse_changes(self) -> None:
        """Raise BadInput if there are results and a field changed that checkpoints depend on."""
        file = self.state / "spec.json"
        if not file.exists() or not any(self.results.iterdir()):
            return
        changed = changed_settings(json.loads(file.read_text()), self.job.spec)
        if changed:
            raise BadInput(
                f"{' and '.join(changed)} can't be changed: {self.results} holds the results of job {self.job.name}; "
                "add --fresh to delete them and start over, or rename the job."
            )


def model_of_job(directory: Path, job: str) -> Path | None:
    """Return the folder in which a job that was run in `directory` publishes its model; None if it was not run there."""
    try:
        return Path(json.loads((directory / "jobs" / job / "run.json").read_text())["jobDirectory"]) / "model"
    except (OSError, ValueError, KeyError):
        return None


def _read(file: Path) -> str:
    """Return the contents of a small file; empty if it does not exist."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""
