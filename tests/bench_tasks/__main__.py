"""The command line, `python -m bench_tasks [ROW ...]` with PYTHONPATH=crds/src:operator/src:trainer/src:images/src:tests."""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from bench_tasks import exact
from bench_tasks.row import FileRow, JobRow, Measured, Row
from bench_tasks.rows import BY_NAME
from bench_tasks.run import RowFailed, finished_job, require_sets
from bench_tasks.table import BENCHMARKS, update
from llmtrain_kind.lock import exclusive_lock
from llmtrain_kind.paths import REPOSITORY
from llmtrain_kind.progress import log, step
from real_data.__main__ import report_errors
from real_data.cache import Cache, default_cache
from real_data.make import make_sets
from real_data.sets import BY_NAME as SETS

SCRATCH = REPOSITORY / "build" / "bench-tasks"
_EPILOG = """\
rows:
{rows}

example:
  make bench-tasks                        # all rows
  make bench-tasks ROWS='film-2 brown'    # two rows
  make tasks-exact                        # no row, but whether each task is exact

Sets that are missing are made as by `make data`. A row that fails does not end the others. Results are
written into {page}.
Ctrl-C ends everything that was started; rows that are complete stay in the table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the named rows, print a line for each, and write them into the table, or count exact tasks; return the exit code."""
    options = parser().parse_args(arguments)
    rows = [BY_NAME[name] for name in options.rows or BY_NAME]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    try:
        if options.exact:
            return exact.main(SCRATCH)
        make_missing_sets(rows, default_cache())
        codes = [report(row) for row in rows]
    except KeyboardInterrupt:
        log("interrupted: the table has the rows that are complete")
        return 130
    return max(codes)


def report(row: Row) -> int:
    """Measure a row and print its line; return 1 if it fails or does not reach its bound."""
    try:
        with step(f"training {row.name}: {row.task} by {row.model} on {row.data}"):
            measured = measure(row, default_cache(), SCRATCH)
    except RowFailed as error:
        print(f"task_{row.name} failed: {error}", flush=True)
        return 1
    except Exception as error:  # a fault of the row must not end the others
        traceback.print_exc()
        print(f"task_{row.name} failed: {type(error).__name__}: {error}", flush=True)
        return 1
    print(measured, flush=True)
    update(BENCHMARKS, measured)
    return 0 if measured.reached else 1


def make_missing_sets(rows: Sequence[Row], cache: Cache) -> None:
    """Make the sets that the rows need, as `make data` does. A set that cannot be made is reported."""
    names = dict.fromkeys(name for row in rows for name in row.sets)
    with exclusive_lock(cache.root):
        report_errors(make_sets([SETS[name] for name in names], cache))


def measure(row: Row, cache: Cache, folder: Path) -> Measured:
    """Judge what a row is about; a job is run in `folder` first. RowFailed if that fails, or a set is not there."""
    require_sets(row, cache)
    if isinstance(row, FileRow):
        started_at = time.monotonic()
        score = row.judge(row, cache)
        seconds = time.monotonic() - started_at
        return Measured(row=row, score=score, baselines=(), samples=0, seconds=seconds, day=today())
    assert isinstance(row, JobRow)
    training = row.spec.training
    with finished_job(row, cache, folder) as job:
        return Measured(
            row=row,
            score=row.judge(row, job, cache),
            baselines=row.baselines(row, job, cache),
            samples=job.steps * training.microbatches * training.microbatch_size,
            seconds=job.seconds,
            day=today(),
        )


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    width = max(map(len, BY_NAME))
    rows = "\n".join(f"  {row.name:{width}}  {row.task} by {row.model} on {row.data}" for row in BY_NAME.values())
    root = argparse.ArgumentParser(
        prog="python -m bench_tasks",
        description="Train a model for each task on real data, and compare its score with a bound and with simple methods.",
        epilog=_EPILOG.format(rows=rows, page=BENCHMARKS.relative_to(REPOSITORY)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument(
        "--exact",
        action="store_true",
        help="measure no row; count the tasks and models with the same bits at 1, 2 and 3 workers and after a kill",
    )
    root.add_argument("rows", nargs="*", metavar="ROW", choices=[*BY_NAME, []], help="names of rows (default: all)")
    return root


if __name__ == "__main__":
    sys.exit(main())
