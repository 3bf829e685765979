"""Runs the job of a row as users do, in a folder of its own that is deleted afterwards."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench_tasks.row import Finished, JobRow, Row
from real_data.cache import Cache

STOP_SECONDS = 60.0
"""How long an interrupted run has to end its processes, before it is asked again, which ends them at once."""
RESULT = re.compile(r"^local: \S+ Succeeded steps=(?P<steps>\d+)")


class RowFailed(Exception):
    """The job of a row could not be run; the message says why."""


def require_sets(row: Row, cache: Cache) -> None:
    """RowFailed if a set that a row needs is not there."""
    missing = [name for name in row.sets if cache.record(name) is None]
    if missing:
        raise RowFailed(f"the set {missing[0]} is not there: run `make data SETS='{' '.join(missing)}'`")


@contextlib.contextmanager
def finished_job(row: JobRow, cache: Cache, folder: Path) -> Iterator[Finished]:
    """Yield the job when it has ended, while its files exist. RowFailed if it fails."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{row.name}-") as scratch:
        directory = Path(scratch)
        spec = row.spec
        data = directory / "volumes" / spec.data.source.volume
        data.mkdir(parents=True)
        row.write(cache.set(row.data), data)
        for volume, name in row.model_sets:
            shutil.copytree(cache.set(name), directory / "volumes" / volume / name)
        started_at = time.monotonic()
        lines = _run(row, directory)
        seconds = time.monotonic() - started_at
        results = (RESULT.match(line) for line in lines)
        steps = next(int(result["steps"]) for result in results if result)
        (outcome,) = directory.glob("jobs/*/publish*")
        (model,) = directory.glob(f"volumes/{spec.checkpoint.volume}/*/model")
        yield Finished(
            spec=spec,
            volumes=directory / "volumes",
            model=model,
            loss=json.loads(outcome.read_text())["model"]["loss"],
            steps=steps,
            seconds=seconds,
        )


def _run(row: JobRow, directory: Path) -> list[str]:
    """Return the lines of `llmtrain run`. If this process is interrupted, nothing that it started is left."""
    command = [sys.executable, "-m", "llmtrain_cli", "run", str(row.job_file), "--directory", str(directory), "--plain"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (directory / "output").open("w+") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait()
        finally:
            _end(process)
        output.seek(0)
        lines = output.read().splitlines()
    if code:
        raise RowFailed(lines[-1] if lines else f"exit code {code}")
    return lines


def _end(process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
