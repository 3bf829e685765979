"""Every row that is no file has a valid job, whose data exists and whose score its task has, and is in the table of the docs."""

import pytest

from bench_tasks.row import JOBS, FileRow, JobRow
from bench_tasks.rows import BY_NAME, ROWS
from bench_tasks.table import BENCHMARKS, HEADER, RULE
from llmtrain_api.tasks import SCORES
from llmtrain_cli.job_file import read_job
from real_data.sets import BY_NAME as SETS

COMPUTED = {("word-vectors", "spearman"), ("pretrain", "bitsPerByte")}
"""Scores that are computed from the published model."""


JOB_ROWS = [row for row in ROWS if isinstance(row, JobRow)]


@pytest.mark.parametrize("row", JOB_ROWS, ids=lambda row: row.name)
def test_a_row_has_a_job_of_its_name_and_data_that_can_be_made(row: JobRow) -> None:
    assert read_job(row.job_file).name == row.name
    assert set(row.sets) <= SETS.keys()
    task = row.spec.task.name
    assert row.score in SCORES[task] or (task, row.score) in COMPUTED


def test_every_job_file_belongs_to_a_row() -> None:
    assert {path.stem for path in JOBS.iterdir()} == {row.name for row in JOB_ROWS}


def test_every_other_row_is_a_file_of_a_set() -> None:
    files = [row for row in ROWS if row not in JOB_ROWS]
    assert files
    assert all(isinstance(row, FileRow) and row.data in SETS for row in files)


def test_the_table_has_rows_that_exist_in_their_order() -> None:
    _, _, table = BENCHMARKS.read_text().partition(f"{HEADER}\n{RULE}\n")
    names = [line.split("`")[1] for line in table.partition("\n\n")[0].splitlines()]
    assert names == [name for name in BY_NAME if name in names]


def test_a_bound_is_reached_from_its_side() -> None:
    larger, smaller = BY_NAME["film-2"], BY_NAME["film-ratings"]
    assert [larger.reached(value) for value in (0.82, 0.83, 0.9)] == [False, True, True]
    assert [smaller.reached(value) for value in (2.3, 2.4, 2.5)] == [True, True, False]
