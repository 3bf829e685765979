"""One run of the prepare stage on made text, its time and its memory. Memory is that of all processes together."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig, run_config
from support.process_usage import tree_mib

CPUS = len(os.sched_getaffinity(0))
VOCAB_SIZE, SAMPLE_BYTES = 4096, 2**25
MAX_PEAK_MIB = 600
NO_SECTIONS: Mapping[str, Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of the stage."""

    seconds: float
    peak_mib: float
    tokens: int


class Words:
    """Text with frequencies as in natural language (Zipf), a function of the seed."""

    def __init__(self) -> None:
        randomly = random.Random(0)
        letters = "etaoinshrdlucmfwypvbgk"
        words = ["".join(randomly.choices(letters, k=randomly.randint(2, 9))) for _ in range(50_000)]
        self._words = words
        self._weights = [1 / (rank + 3) for rank in range(len(words))]
        self._cumulative = [sum(self._weights[:1])]
        for weight in self._weights[1:]:
            self._cumulative.append(self._cumulative[-1] + weight)

    def text(self, seed: int, count: int) -> str:
        """Return `count` words in lines."""
        words = random.Random(seed).choices(self._words, cum_weights=self._cumulative, k=count)
        return "\n".join(" ".join(words[start : start + 12]) for start in range(0, count, 12)) + "\n"


def make_run(root: Path, spec: Mapping[str, Mapping[str, object]] = NO_SECTIONS) -> RunConfig:
    """Return the run config of a job with data below `root`; sections of `spec` replace those of a job that reads text."""
    sections: dict[str, Mapping[str, object]] = {
        "workers": {"resources": {"cpu": str(CPUS), "memory": "2Gi"}},
        "data": {},
        "training": {"steps": 1},
        "checkpoint": {"volume": "checkpoints"},
        **spec,
    }
    tokenizer = {"vocabSize": VOCAB_SIZE, "sampleBytes": SAMPLE_BYTES}
    sections["data"] = {
        "source": {"volume": "datasets", "path": "text"},
        "tokenizer": tokenizer,
        **sections["data"],
    }
    checked = JobSpec.model_validate(sections)
    return run_config(
        checked,
        job="bench",
        namespace="local",
        uid="bench",
        data_directory=str(root / "data"),
        job_directory=str(root / "job"),
        coordinator="127.0.0.1:1",
    )


def environment() -> dict[str, str]:
    """Return the environment of a process that runs the stage."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def measure(root: Path, spec: Mapping[str, Mapping[str, object]] = NO_SECTIONS) -> Measured:
    """Run the stage in a process of its own, and watch the memory of all its processes."""
    file, outcome = root / "run.json", root / "outcome"
    file.write_text(make_run(root, spec).model_dump_json(by_alias=True, exclude_none=True))
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "llmtrain_trainer", "prepare", "--run", str(file)],
        env={**environment(), "LLMTRAIN_TERMINATION_LOG": str(outcome)},
        stdout=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, tree_mib(process.pid))
        time.sleep(0.05)
    seconds = time.monotonic() - began
    assert process.returncode == 0, outcome.read_text()
    return Measured(seconds=seconds, peak_mib=peak, tokens=json.loads(outcome.read_text())["dataset"]["tokens"])


def report(name: str, value: float, unit: str = "") -> None:
    """Print a figure."""
    print(f"bench: {name} {value:.2f} {unit}".rstrip())
