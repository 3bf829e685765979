"""The prepare stage makes the same bytes with any number of processes, and however often it is killed."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import run_config
from support.polling import eventually

PROGRAM = """
import sys
from llmtrain_trainer.__main__ import main
from llmtrain_trainer.data import scan
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.stages import prepare

scan.UNIT_BYTES = prepare.UNIT_BYTES = 2**16
prepare.MIN_BYTES_TO_SCAN = prepare.MIN_BYTES_TO_TOKENIZE = 0
prepare.process_count = lambda cpus: int(sys.argv[1])
sys.exit(main(["prepare", "--run", sys.argv[2]], abandoned_groups=AbandonedGroups()))
"""
"""The stage with small shards, in as many processes as its argument says."""
KILLS = 3


def words(count: int, seed: int) -> str:
    randomly = random.Random(seed)
    known = ["".join(randomly.choices("abcdefghij", k=randomly.randint(1, 7))) for _ in range(2000)]
    return "".join(word + randomly.choice("   \n") for word in randomly.choices(known, k=count))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large file, small ones, copies of them, JSONL, a line without spaces, and a file with bad bytes."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "large.txt").write_text(words(200_000, seed=1))
    (folder / "all.jsonl").write_text(
        "".join(json.dumps({"text": words(300, seed)}) + "\n" for seed in range(100, 400))
    )
    (folder / "line.txt").write_text(words(60_000, seed=2).replace(" ", "").replace("\n", ""))
    for number in range(40):
        (folder / f"small-{number}.txt").write_text(words(200, seed=number))
        (folder / f"copy-{number}.txt").write_text(words(200, seed=number) + "\n")
    (folder / "bad.txt").write_bytes(words(500, seed=3).encode() + b"\xff and more")
    return folder


def start(root: Path, text: Path, processes: int) -> "subprocess.Popen[bytes]":
    (root / "data").mkdir(parents=True, exist_ok=True)
    if not (root / "data" / "text").exists():
        (root / "data" / "text").mkdir()
        for file in sorted(text.iterdir()):
            os.link(file, root / "data" / "text" / file.name)
    spec = JobSpec.model_validate(
        {
            "data": {
                "source": {"volume": "datasets", "path": "text"},
                "tokenizer": {"vocabSize": 1000, "sampleBytes": 300_000},
            },
            "training": {"steps": 1},
            "checkpoint": {"volume": "checkpoints"},
        }
    )
    run = run_config(
        spec,
        job="job",
        namespace="local",
        uid="uid",
        data_directory=str(root / "data"),
        job_directory=str(root / "job"),
        coordinator="127.0.0.1:1",
    )
    (root / "run.json").write_text(run.model_dump_json(by_alias=True, exclude_none=True))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(processes), str(root / "run.json")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LLMTRAIN_TERMINATION_LOG": str(root / "outcome")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finished_files(root: Path) -> int:
    """Return how many parts of the unfinished dataset are done."""
    return len(list((root / "data" / ".llmtrain" / "prepared").glob(".unfinished-*/*.json")))


def await_parts(root: Path, process: "subprocess.Popen[bytes]", count: int) -> None:
    """Wait until `count` parts are done, or the process has ended."""
    eventually(lambda: finished_files(root) >= count or process.poll() is not None, f"{count} parts are done")


def result(root: Path, process: "subprocess.Popen[bytes]") -> dict[str, bytes]:
    """Return the files of the dataset, when the process has ended."""
    output, _ = process.communicate()
    assert process.returncode == 0, output.decode()
    (dataset,) = (root / "data" / ".llmtrain" / "prepared").iterdir()
    return {file.name: file.read_bytes() for file in dataset.iterdir()} | {"id": dataset.name.encode()}


@pytest.fixture(scope="module")
def undisturbed(text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("undisturbed")
    return result(root, start(root, text, 1))


@pytest.mark.parametrize("processes", [2, 4])
def test_the_number_of_processes_does_not_matter(
    processes: int, text: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    assert result(tmp_path, start(tmp_path, text, processes)) == undisturbed


@pytest.mark.parametrize("processes", [1, 2])
def test_what_was_done_before_a_kill_is_not_done_again_and_the_result_is_the_same(
    processes: int, text: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    randomly = random.Random(processes)
    for kill in range(KILLS):
        before = finished_files(tmp_path)
        process = start(tmp_path, text, processes)
        count = before + randomly.randint(1, 8)
        await_parts(tmp_path, process, count)
        time.sleep(randomly.random() / 20)  # within a part, at a place that differs from run to run
        process.kill()
        process.communicate()
        assert process.returncode == -9, f"it ended before kill {kill}"
    kept = {file: file.stat().st_ino for file in tmp_path.glob("data/.llmtrain/prepared/.unfinished-*/*.json")}
    assert len(kept) > KILLS
    process = start(tmp_path, text, processes)
    await_parts(tmp_path, process, len(kept) + 1)
    again = {file for file, inode in kept.items() if file.exists() and file.stat().st_ino != inode}
    assert result(tmp_path, process) == undisturbed
    assert not again
