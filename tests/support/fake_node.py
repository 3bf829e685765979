"""A node whose GPUs are a fake libnvidia-ml.so.1, which nvidia-ml-py loads as it loads NVIDIA's library."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READER = Path(__file__).parents[1] / "integration" / "agent" / "reader_process.py"
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
"""What each GPU answers unless a test sets other values: a GPU under load."""


@dataclass
class Scrape:
    """The result of one scrape."""

    readings: list[dict[str, Any]]
    library: list[str]
    samples: list[tuple[str, tuple[str, ...], float]]
    """Name of the metric, label values, value."""

    def gpu(self, index: str) -> dict[str, Any]:
        """Return the reading of a GPU or of a MIG instance."""
        (found,) = [reading for reading in self.readings if reading["index"] == index]
        return found

    def sample(self, name: str, *labels: str) -> float | None:
        """Return a sample's value, or None if there is none."""
        values = [value for metric, found, value in self.samples if (metric, found) == (name, ("node-a", *labels))]
        assert len(values) < 2, f"{name}{labels} has two samples"
        return values[0] if values else None


@dataclass
class Node:
    """A node and a process of the agent's GPU reader on it, because the library is loaded once per process."""

    directory: Path
    library: Path | None
    machine: dict[str, object] = field(default_factory=lambda: {"gpus": 8, "driver": "580.65.06"})
    every: dict[str, object] = field(default_factory=lambda: dict(LOADED))
    """What each GPU answers."""
    only: dict[str, dict[str, object]] = field(default_factory=dict)
    """What single GPUs and MIG instances answer instead."""
    now: float = 1_000.0
    log: list[dict[str, Any]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def set(self, gpu: int | str, **values: object) -> None:
        """Change the answers of one GPU or MIG instance from the next scrape on; None restores an answer."""
        own = self.only.setdefault(str(gpu), {})
        own.update(values)
        self.only[str(gpu)] = {key: value for key, value in own.items() if value is not None}

    def start(self) -> None:
        """Start the reader."""
        self._write_script()
        library_path = {} if self.library is None else {"LD_LIBRARY_PATH": str(self.library)}
        self.process = subprocess.Popen(
            [sys.executable, str(READER)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "LLMTRAIN_FAKE_NVML": str(self.directory / "script"),
                "LLMTRAIN_FAKE_NVML_CALLS": str(self.directory / "calls"),
                **library_path,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read_until("opened")

    def scrape(self) -> Scrape:
        """Advance the clock by one scrape interval and read once."""
        if self.process is None:
            self.start()
        assert self.process
        assert self.process.stdin
        self.now += SCRAPE_SECONDS
        self._write_script()
        (self.directory / "calls").write_text("")
        self.process.stdin.write(f"{self.now}\n")
        self.process.stdin.flush()
        answer = self._read_until("readings")
        samples = [(name, tuple(labels), value) for name, labels, value in answer["samples"]]
        return Scrape(answer["readings"], answer["library"], samples)

    def calls(self) -> Counter[str]:
        """Return how often the library was called in the last scrape, by `GPU QUERY`."""
        return Counter((self.directory / "calls").read_text().splitlines())

    def stop(self) -> int:
        """Stop the reader and return its exit code."""
        assert self.process
        self.process.communicate(timeout=30)
        return self.process.returncode

    def _read_until(self, key: str) -> dict[str, Any]:
        """Return the next line with `key`; the lines before it are log lines."""
        assert self.process
        assert self.process.stdout
        for text in self.process.stdout:
            line: dict[str, Any] = json.loads(text)
            if key in line:
                return line
            self.log.append({name: value for name, value in line.items() if name != "time"})
        raise AssertionError(f"the reader exited with {self.process.wait()}")

    def _write_script(self) -> None:
        answers = {"-": {**self.machine, "now": self.now}, "*": self.every, **self.only}
        lines = [f"{gpu} {key} {value}\n" for gpu, values in answers.items() for key, value in values.items()]
        (self.directory / "script.new").write_text("".join(lines))
        (self.directory / "script.new").rename(self.directory / "script")
