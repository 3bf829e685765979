"""A node with a fake libnvidia-ml.so.1, which nvidia-ml-py loads as it loads NVIDIA's."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READER = Path(__file__).parents[1] / "integration" / "agent" / "rounds.py"
SCRAPE_SECONDS = 5.0

LOADED = {
    "name": "NVIDIA_H100_80GB_HBM3",
    "memory_total": 85_520_809_984,
    "memory_used": 40_000_000_000,
    "utilization": 87,
    "memory_utilization": 42,
    "temperature": 61,
    "power": 512_345,
    "power_limit": 700_000,
    "energy": "+500000",
    "clock_sm": 1980,
    "clock_memory": 2619,
    "throttle": 0,
    "ecc_corrected": 0,
    "ecc_uncorrected": 0,
    "nvlink_received": "+3000000",
    "nvlink_sent": "+2000000",
    "gpm": 1,
    "gpm_sm": 71.5,
    "gpm_tensor": 43.25,
    "gpm_pcie_received": 800,
    "gpm_pcie_sent": 50,
    "xids": "none",
    "mig": 0,
}
"""What each GPU answers unless a test says otherwise."""


@dataclass
class Round:
    """What one scrape gave."""

    readings: list[dict[str, Any]]
    library: list[str]
    samples: list[tuple[str, float, tuple[str, ...]]]

    def gpu(self, index: str) -> dict[str, Any]:
        """Return the reading of a GPU or of a part of one."""
        (found,) = [reading for reading in self.readings if reading["index"] == index]
        return found

    def sample(self, name: str, *labels: str) -> float | None:
        """Return a sample's value, None if there is none."""
        values = [value for metric, value, had in self.samples if (metric, had) == (name, ("node-a", *labels))]
        assert len(values) < 2, f"{name}{labels} is told twice"
        return values[0] if values else None


@dataclass
class Node:
    """A node and the agent's reader on it, in a process of its own as the library is loaded once a process."""

    folder: Path
    library: Path | None
    machine: dict[str, object] = field(default_factory=lambda: {"gpus": 8, "driver": "580.65.06"})
    every: dict[str, object] = field(default_factory=lambda: dict(LOADED))
    only: dict[str, dict[str, object]] = field(default_factory=dict)
    now: float = 1_000.0
    log: list[dict[str, Any]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def set(self, who: int | str, **values: object) -> None:
        """Let one GPU, or a part of one, answer otherwise from the next round on; None takes an answer back."""
        own = self.only.setdefault(str(who), {})
        own.update(values)
        self.only[str(who)] = {key: value for key, value in own.items() if value is not None}

    def start(self) -> None:
        """Start the reader."""
        self._write()
        found = {} if self.library is None else {"LD_LIBRARY_PATH": str(self.library)}
        self.process = subprocess.Popen(
            [sys.executable, str(READER)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "LLMTRAIN_FAKE_NVML": str(self.folder / "script"),
                "LLMTRAIN_FAKE_NVML_CALLS": str(self.folder / "calls"),
                **found,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._until("opened")

    def read(self) -> Round:
        """Let a scrape's time pass and read once."""
        if self.process is None:
            self.start()
        assert self.process
        assert self.process.stdin
        self.now += SCRAPE_SECONDS
        self._write()
        (self.folder / "calls").write_text("")
        self.process.stdin.write(f"{self.now}\n")
        self.process.stdin.flush()
        answer = self._until("readings")
        samples = [(name, value, tuple(labels)) for name, value, labels in answer["samples"]]
        return Round(answer["readings"], answer["library"], samples)

    def asked(self) -> Counter[str]:
        """Return how often the library was asked in the last round, by `GPU QUESTION`."""
        return Counter((self.folder / "calls").read_text().splitlines())

    def end(self) -> int:
        """End the reader in good order; return its exit code."""
        assert self.process
        self.process.communicate(timeout=30)
        return self.process.returncode

    def _until(self, key: str) -> dict[str, Any]:
        assert self.process
        assert self.process.stdout
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if key in said:
                return said
            self.log.append(said)
        raise AssertionError(f"the reader ended with {self.process.wait()}")

    def _write(self) -> None:
        answers = {"-": {**self.machine, "now": self.now}, "*": self.every, **self.only}
        lines = [f"{who} {key} {value}\n" for who, values in answers.items() for key, value in values.items()]
        (self.folder / "script.new").write_text("".join(lines))
        (self.folder / "script.new").rename(self.folder / "script")
