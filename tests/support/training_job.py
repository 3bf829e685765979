"""A whole job on this machine: the real coordinator and real workers as processes, on a small text."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.job_token import authorization, new_token, read_token
from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_api.termination import TerminationMessage
from support.faults import armed, fault
from support.polling import DEADLINE_SECONDS, eventually
from support.ports import free_port
from support.process_times import started_at

STEPS = 120
SPEC: dict[str, dict[str, object]] = {
    "model": {"layers": 2, "width": 64, "heads": 4, "contextLength": 64},
    "data": {"source": {"volume": "datasets", "path": "text"}, "tokenizer": {"vocabSize": 512}},
    "training": {"steps": STEPS, "microbatches": 4, "microbatchSize": 4, "optimizer": {"learningRate": "1e-2"}},
    "checkpoint": {"volume": "checkpoints", "everySteps": 20, "keepLast": 2},
    "evaluation": {"everySteps": 50, "sample": {"tokens": 8}},
}


@dataclass(kw_only=True)
class Process:
    """A stage that runs, with its log and termination message."""

    popen: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def text(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def outcome(self) -> TerminationMessage:
        outcome = TerminationMessage.from_message((self.folder / "termination").read_text())
        assert outcome is not None
        return outcome

    def events(self, name: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def rank(self) -> int:
        """Return the process id of this worker's one trainer; its spare, if there is one, was started later."""
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        eventually(lambda: bool(children.read_text()), "a trainer was started")
        return min(map(int, children.read_text().split()), key=started_at)  # ids start again at the largest

    def ends_with(self, seconds: float = DEADLINE_SECONDS) -> int:
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end; its log:\n{self.text}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to it and all its children, as a lost node does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)
        self.popen.wait(DEADLINE_SECONDS)


@dataclass(kw_only=True)
class Job:
    """One job: its run config, and every process started for it."""

    root: Path
    run: RunConfig
    port: int
    processes: list[Process] = field(default_factory=list)

    def start(self, module: str, *arguments: str, **environment: str) -> Process:
        folder = self.root / f"process-{len(self.processes)}"
        folder.mkdir()
        env = {**os.environ, "PYTHONPATH": ":".join(sys.path), "LLMTRAIN_TERMINATION_LOG": str(folder / "termination")}
        with (folder / "log").open("wb") as log:
            popen = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=env | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(Process(popen=popen, folder=folder))
        return self.processes[-1]

    def stage(self, stage: str, *arguments: str, **environment: str) -> Process:
        return self.start("llmtrain_trainer", stage, "--run", str(self.root / "run.json"), *arguments, **environment)

    def coordinator(self, workers: int = 2, *more: str, standalone: bool = True) -> Process:
        """Start a coordinator: standalone it keeps the ledger of the job's lifetime, else once an operator sends one."""
        names = ["--job", self.run.job, "--namespace", self.run.namespace, "--uid", self.run.uid]
        names += ["--token-file", self.run.token_file]
        size = ["--workers", str(workers), "--ranks-per-worker", "1", "--host", "127.0.0.1", "--port", str(self.port)]
        return self.start("llmtrain_coordinator", *(["--standalone"] if standalone else []), *names, *size, *more)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a request to the coordinator."""
        return {JOB_HEADER: self.run.uid, **authorization(read_token(Path(self.run.token_file)))}

    def status(self) -> CoordinatorStatus:
        """Return the coordinator's status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        connection.request("GET", "/v1/status", headers=self.headers)
        status = CoordinatorStatus.model_validate_json(connection.getresponse().read())
        connection.close()
        return status

    def worker(self, number: int, dataset: str, *pauses: int) -> Process:
        """Start a worker, whose rank pauses after each number of steps in `pauses` until `resume` is called."""
        faults = [fault("forward", "PAUSE", marker=self._pause(step), step=step) for step in pauses]
        return self.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **armed(*faults))

    def await_pause(self, step: int) -> None:
        """Wait until a rank has paused after `step` steps."""
        eventually(self._pause(step).exists, f"a rank has paused after step {step}")

    def resume(self, step: int) -> None:
        """Resume the rank that has paused after `step` steps."""
        self._pause(step).with_suffix(".resume").touch()

    def _pause(self, step: int) -> Path:
        return self.root / f"pause-{step}"

    def has_checkpoint(self, step: int) -> bool:
        """Return whether there is a checkpoint after `step` steps or more."""
        return any(int(path.name[-8:]) >= step for path in self.checkpoints.glob("step-*"))

    @property
    def checkpoints(self) -> Path:
        return Path(self.run.job_directory) / "checkpoints"

    def last_weights(self) -> bytes:
        return (self.checkpoints / f"step-{STEPS:08d}" / "weights.safetensors").read_bytes()


def training(**settings: object) -> dict[str, object]:
    """Return the training settings of the job with other ones."""
    return {**SPEC["training"], **settings}


def make_job(
    root: Path,
    volume: Path,
    *,
    model_directory: Path | None = None,
    vectors_path: Path | None = None,
    **parts: object,
) -> Job:
    port = free_port()
    run = run_config(
        JobSpec.model_validate(SPEC | parts),
        job="job",
        namespace="local",
        uid="uid-1",
        data_directory=str(volume),
        job_directory=str(root / "job-uid"),
        model_directory=str(model_directory) if model_directory else None,
        vectors_path=str(vectors_path) if vectors_path else None,
        coordinator=f"127.0.0.1:{port}",
        token_file=str(root / "token"),
    )
    (root / "token").write_text(new_token())
    (root / "run.json").write_text(run.model_dump_json(by_alias=True, exclude_none=True))
    return Job(root=root, run=run, port=port)


def end(job: Job) -> None:
    for process in job.processes:
        process.kill()
