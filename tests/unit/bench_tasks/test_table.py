"""What was measured replaces the line of its row, and the rest of the page stays."""

import dataclasses
from datetime import date

import pytest

from bench_tasks.row import Measured, Score
from bench_tasks.rows import BY_NAME
from bench_tasks.table import HEADER, RULE, line_of, with_line
from real_data.baselines.baseline import Baseline

NAIVE_BAYES = Baseline(set_name="film-2", method="naive Bayes", samples=9, scores={"accuracy": 0.801})
FILM = Measured(
    row=BY_NAME["film-2"],
    score=Score(value=0.8456, low=0.82, high=0.87),
    baselines=[NAIVE_BAYES],
    samples=9024,
    seconds=181.6,
    day=date(2026, 5, 1),
)
LINE = (
    "| `film-2` | classification | `film-2` | `minilm` | 9,024 | 182 | accuracy **0.846** (0.820 to 0.870) | ≥ 0.83 "
    "| naive Bayes 0.801 | 2026-05-01 |"
)
OLD_TEXT = f"# Title\n\n{HEADER}\n{RULE}\n| `movielens` | old |\n| `gone` | old |\n\nMore.\n"


def test_a_line_has_score_interval_bound_and_baselines() -> None:
    assert line_of(FILM) == LINE


def test_a_score_that_is_not_enough_is_called_short() -> None:
    short = dataclasses.replace(FILM, score=Score(value=0.8), baselines=[])
    assert line_of(short).endswith("| accuracy **0.800** | ≥ 0.83, short | - | 2026-05-01 |")
    assert str(short) == "task_film-2 0.8000 0.83 short"
    assert str(FILM) == "task_film-2 0.8456 0.83 ok"


def test_a_new_row_is_in_the_order_of_the_rows_and_old_ones_stay() -> None:
    page = with_line(OLD_TEXT, FILM)
    assert page == f"# Title\n\n{HEADER}\n{RULE}\n{LINE}\n| `movielens` | old |\n\nMore.\n"
    assert with_line(page, FILM) == page


def test_a_table_without_lines_gets_one() -> None:
    assert with_line(f"{HEADER}\n{RULE}\n", FILM) == f"{HEADER}\n{RULE}\n{LINE}\n"
    assert with_line(f"{HEADER}\n{RULE}\n\nMore.\n", FILM) == f"{HEADER}\n{RULE}\n{LINE}\n\nMore.\n"


def test_a_page_without_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no table with the header"):
        with_line("# Title\n", FILM)
