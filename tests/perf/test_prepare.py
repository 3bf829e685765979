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
from pathlib import Path

import pytest

from perf.prepare_stage import CPUS, MAX_PEAK_MIB, SAMPLE_BYTES, VOCAB_SIZE, Words, environment, measure, report

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]
MEGABYTES = int(os.environ.get("LLMTRAIN_BENCH_MEGABYTES", "2048"))
FILES = int(os.environ.get("LLMTRAIN_BENCH_FILES", "200000"))
PEER_MEGABYTES = int(os.environ.get("LLMTRAIN_BENCH_PEER_MEGABYTES", "200"))
SMALL_FILE_WORDS = 150
MAX_AGAIN_SECONDS = 2.0


def write_file(path: Path, megabytes: int) -> None:
    words = Words()
    blocks = [words.text(seed, 100_000) for seed in range(32)]
    randomly, written = random.Random(1), 0
    with path.open("w") as file:
        while written < megabytes * 2**20:
            written += file.write(randomly.choice(blocks))


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
