"""Memory and speed of the prepare stage, and how long it takes when the dataset exists.

By default one file of 2 GB and 200,000 small files; LLMTRAIN_BENCH_MEGABYTES, LLMTRAIN_BENCH_FILES and
LLMTRAIN_BENCH_PEER_MEGABYTES set other sizes. Memory is that of all processes together.
"""

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig, run_config
from support.process_usage import tree_mib

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]
MEGABYTES = int(os.environ.get("LLMTRAIN_BENCH_MEGABYTES", "2048"))
FILES = int(os.environ.get("LLMTRAIN_BENCH_FILES", "200000"))
PEER_MEGABYTES = int(os.environ.get("LLMTRAIN_BENCH_PEER_MEGABYTES", "200"))
SMALL_FILE_WORDS = 150
CPUS = len(os.sched_getaffinity(0))
VOCAB_SIZE, SAMPLE_BYTES = 4096, 2**25
MAX_PEAK_MIB, MAX_AGAIN_SECONDS = 600, 2.0


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


def make_run(root: Path) -> RunConfig:
    spec = JobSpec.model_validate(
        {
            "workers": {"resources": {"cpu": str(CPUS), "memory": "2Gi"}},
            "data": {
                "source": {"volume": "datasets", "path": "text"},
                "tokenizer": {"vocabSize": VOCAB_SIZE, "sampleBytes": SAMPLE_BYTES},
            },
            "training": {"steps": 1},
            "checkpoint": {"volume": "checkpoints"},
        }
    )
    return run_config(
        spec,
        job="bench",
        namespace="local",
        uid="bench",
        data_directory=str(root / "data"),
        job_directory=str(root / "job"),
        coordinator="127.0.0.1:1",
    )


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def measure(root: Path) -> Measured:
    """Run the stage in a process of its own, and watch the memory of all its processes."""
    file, outcome = root / "run.json", root / "outcome"
    file.write_text(make_run(root).model_dump_json(by_alias=True, exclude_none=True))
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


def write_file(path: Path, megabytes: int) -> None:
    words = Words()
    blocks = [words.text(seed, 100_000) for seed in range(32)]
    randomly, written = random.Random(1), 0
    with path.open("w") as file:
        while written < megabytes * 2**20:
            written += file.write(randomly.choice(blocks))


def report(name: str, value: float, unit: str = "") -> None:
    print(f"bench: {name} {value:.2f} {unit}".rstrip())


def test_one_large_file(tmp_path: Path) -> None:
    (tmp_path / "data" / "text").mkdir(parents=True)
    write_file(tmp_path / "data" / "text" / "all.txt", MEGABYTES)
    measured = measure(tmp_path)
    again = measure(tmp_path)
    print(f"\nbench: one file of {MEGABYTES} MB, {CPUS} processes, {measured.seconds:.0f} s")
    report("prepare_peak_mib", measured.peak_mib, "MiB")
    report("prepare_tokens_per_second", measured.tokens / measured.seconds)
    report("prepare_again_seconds", again.seconds, "s")
    assert again.tokens == measured.tokens
    assert measured.peak_mib < MAX_PEAK_MIB
    assert again.seconds < MAX_AGAIN_SECONDS


def test_many_small_files(tmp_path: Path) -> None:
    words = Words()
    for number in range(FILES):
        folder = tmp_path / "data" / "text" / f"{number // 1000:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07}.txt").write_text(words.text(number, SMALL_FILE_WORDS))
    measured = measure(tmp_path)
    again = measure(tmp_path)
    print(f"\nbench: {FILES} small files, {CPUS} processes, {measured.seconds:.0f} s")
    report("prepare_peak_mib", measured.peak_mib, "MiB")
    report("prepare_again_seconds", again.seconds, "s")
    assert measured.peak_mib < MAX_PEAK_MIB


@pytest.mark.skipif(importlib.util.find_spec("datasets") is None, reason="the package datasets is not installed")
def test_beside_datasets(tmp_path: Path) -> None:
    """The same JSONL and the same number of processes, one after the other; both train a tokenizer on a sample."""
    words, source = Words(), tmp_path / "data" / "text" / "all.jsonl"
    source.parent.mkdir(parents=True)
    with source.open("w") as file:
        for number in range(PEER_MEGABYTES * 2**20 // 4096):
            file.write(json.dumps({"text": words.text(number, 640)}) + "\n")
    ours = measure(tmp_path)
    arguments = [str(source), str(tmp_path), str(VOCAB_SIZE), str(SAMPLE_BYTES), str(CPUS)]
    began = time.monotonic()
    peer = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("prepare_peer.py")), *arguments],
        env={**environment(), "HF_HUB_OFFLINE": "1", "RAYON_NUM_THREADS": str(CPUS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    peer_seconds, peer_tokens = time.monotonic() - began, int(peer.stdout.split()[-1])
    ratio = (ours.tokens / ours.seconds) / (peer_tokens / peer_seconds)
    print(f"\nbench: {PEER_MEGABYTES} MB of JSONL, {CPUS} processes, {ours.seconds:.0f} s beside {peer_seconds:.0f} s")
    report("prepare_over_datasets", ratio)
    assert ratio >= 1.0
