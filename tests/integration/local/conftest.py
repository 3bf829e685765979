"""A folder with a job and the text that it trains on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.local_run import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    texts = tmp_path / ".llmtrain" / "volumes" / "texts" / "tables"
    texts.mkdir(parents=True)
    for table in range(1, 9):
        (texts / f"{table}.txt").write_text("".join(f"{table} times {n} is {table * n}\n" for n in range(60)))
    workspace.write_job()
    yield workspace
    for run in workspace.runs:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGKILL)
            run.end()
