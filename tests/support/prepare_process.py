"""The prepare stage as a process, with small shards: started, waited for, killed, and the bytes that it made."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import run_config
from support.polling import eventually

PROGRAM = """
import sys
from llmtrain_trainer.__main__ import main
from llmtrain_trainer.data import scan
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.stages import preparation

scan.UNIT_BYTES = preparation.UNIT_BYTES = 2**16
preparation.MIN_BYTES_TO_SCAN = preparation.MIN_BYTES_TO_TOKENIZE = 0
preparation.process_count = lambda cpus: int(sys.argv[1])
sys.exit(main(["prepare", "--run", *sys.argv[2:]], abandoned_groups=AbandonedGroups()))
"""
"""The stage with small shards, in as many processes as its argument says."""


def start(
    root: Path,
    text: Path,
    processes: int,
    sections: Mapping[str, object] = MappingProxyType({}),
    data: Mapping[str, object] = MappingProxyType({}),
    *,
    part: int = 0,
    parts: int = 1,
) -> "subprocess.Popen[bytes]":
    """Start the stage below `root` on a copy of the folder `text`, with sections of a spec and settings of its data."""
    if not (root / "data" / "text").exists():
        shutil.copytree(text, root / "data" / "text", copy_function=os.link)
    of_records = {"columns": {"text": "text"}, "onBadRecord": "Skip"} if sections else {}
    spec = JobSpec.model_validate(
        {
            "data": {
                "source": {"volume": "datasets", "path": "text"},
                "tokenizer": {"vocabSize": 1000, "sampleBytes": 300_000},
                **of_records,
                **data,
            },
            **sections,
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
    configuration = root / f"run-{part}.json"
    configuration.write_text(run.model_dump_json(by_alias=True, exclude_none=True))
    which = [f"--part={part}", f"--parts={parts}"]
    outcome = root / f"outcome-{part}"
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(processes), str(configuration), *which],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LLMTRAIN_TERMINATION_LOG": str(outcome)},
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
