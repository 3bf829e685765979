"""`llmtrain top` shows what is known of each rank, and '-' for the rest."""

import io
from typing import Any

import pytest
from rich.console import Console

from llmtrain_cli.__main__ import main
from llmtrain_cli.prometheus import Series
from llmtrain_cli.top import headline, questions, rows, table
from unit.cli.histories import JOB, answering, series


def work(worker: int, rank: int, seconds: float) -> Series:
    return series([seconds], worker=str(worker), rank=str(rank))


NOTHING: dict[str, list[Series]] = {name: [] for name in questions(JOB)}
ANSWERS = {
    **NOTHING,
    "step": [series([40])],
    "steps": [series([100])],
    "goodput": [series([0.925])],
    "ranks": [series([3])],
    "wanted": [series([4])],
    "work": [work(1, 0, 0.5), work(0, 0, 0.2), work(0, 1, 0.2)],
    "memory": [series([2**30], pod="gpt-worker-0", node="a"), series([2**29], pod="gpt-worker-1", node="b")],
    "memory_limit": [series([2**31], pod="gpt-worker-0")],
    "gpu": [
        series([0.5], pod="gpt-worker-0", gpu="10"),
        series([0.9], pod="gpt-worker-0", gpu="9"),
        series([0.1], pod="other", gpu="0"),
    ],
}


def test_a_row_for_each_rank_in_order() -> None:
    found = rows(JOB, ANSWERS)
    assert [(row.worker, row.rank, row.pod, row.node) for row in found] == [
        (0, 0, "gpt-worker-0", "a"), (0, 1, "gpt-worker-0", "a"), (1, 0, "gpt-worker-1", "b"),
    ]  # fmt: skip
    assert [row.slowness for row in found] == [1.0, 1.0, 2.5]
    assert [row.gpu for row in found] == [0.9, 0.5, None], "the pod's GPUs by number, not by text"
    assert [row.memory_limit for row in found] == [2**31, 2**31, None]


def test_what_is_not_known_is_a_dash() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(table(rows(JOB, ANSWERS)))
    lines = console.export_text().splitlines()
    assert lines[0].split()[:4] == ["WORKER", "RANK", "NODE", "WORK"]
    assert "1 GiB/2 GiB" in lines[1]
    assert lines[3].split() == ["1", "0", "b", "500", "ms", "2.50", "-", "-", "-", "512", "MiB", "-", "-"]


def test_the_headline_says_only_what_is_known() -> None:
    assert headline(JOB, ANSWERS) == "team/gpt  step 40/100  goodput 92.5%  ranks 3/4"
    assert headline(JOB, NOTHING) == "team/gpt"


def point(value: float, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1.0, str(value)]}


def test_once_prints_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"ranks_wanted": [point(1)], "rank_work": [point(0.1, worker="0", rank="0")], "job_ranks{": [point(1)]}
    with answering(answers) as url:
        assert main(["top", "gpt", "-n", "team", "--prometheus", url, "--once"]) == 0
    said = capsys.readouterr().out
    assert "team/gpt  ranks 1/1" in said
    assert "100 ms" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gpt", "-n", "team"], "told of no job gpt in namespace team now"),
        (['x"} or vector(1'], "no name of Kubernetes"),
        (["gpt", "--prometheus", "localhost:9090"], "begins with http"),
    ],
)
def test_a_clear_word_when_there_is_nothing_to_show(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering({}) as url:
        assert main(["top", "--once", "--prometheus", url, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "gpt", "--prometheus", "http://127.0.0.1:9"]) == 2
    assert "kubectl" in capsys.readouterr().err
