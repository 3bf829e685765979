"""Runs `llmtrain run` as users do, in a folder with a small job and a few KB of text."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from support.polling import eventually

JOB = {
    "apiVersion": "llmtrain.dev/v1alpha1",
    "kind": "LLMTrainingJob",
    "metadata": {"name": "small"},
    "spec": {
        "workers": {"replicas": 2},
        "model": {"layers": 1, "width": 32, "heads": 2, "kvHeads": 1, "contextLength": 32},
        "data": {
            "source": {"volume": "texts", "path": "tables"},
            "tokenizer": {"vocabSize": 300},
            "heldOutPercent": 20,
        },
        "training": {"steps": 300, "microbatches": 4, "microbatchSize": 2, "optimizer": {"learningRate": "3e-3"}},
        "checkpoint": {"volume": "results", "everySteps": 100},
        "evaluation": {"everySteps": 100, "sample": {"tokens": 16}},
    },
}
DEADLINE_SECONDS = 90.0


class Run:
    """One `llmtrain run`, whose lines can be waited for."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llmtrain_cli", "run", "job.yaml", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; fail if the run ends first or it takes too long."""

        def probe() -> object:
            if found := condition():
                return found
            assert self.process.poll() is None, f"the run has ended:\n{self.text}"
            return None

        eventually(probe, "the condition holds", seconds=DEADLINE_SECONDS, interval=0.1, details=lambda: self.text)

    def until_line(self, beginning: str) -> None:
        self.until(lambda: any(line.startswith(beginning) for line in self.lines))

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(DEADLINE_SECONDS)
        self._reader.join()
        self.process.stdout.close()
        return code

    @property
    def text(self) -> str:
        return "".join(self.lines)


class Workspace:
    """A folder with a job file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: list[Run] = []

    def write_job(self, **training: object) -> None:
        spec = {**JOB["spec"], "training": {**JOB["spec"]["training"], **training}}
        (self.folder / "job.yaml").write_text(json.dumps({**JOB, "spec": spec}))

    def run(self, *options: str) -> Run:
        self.runs.append(Run(self.folder, *options))
        return self.runs[-1]

    def processes(self, stage: str = "") -> list[int]:
        """Return the pids of everything that a run in this folder has started."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                at = (entry / "cwd").readlink() if entry.name.isdigit() else None
            except OSError:
                continue
            if at == self.folder and "llmtrain_cli" not in command and (not stage or stage in command):
                found.append(int(entry.name))
        return found
