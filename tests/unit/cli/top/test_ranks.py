"""Each rank has a row with the metrics of its pod and its GPU."""

import re

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.top.ranks import exprs, rows
from unit.cli.fake_prometheus import JOB, answering, series
from unit.cli.jobs import ANSWERS, compute


def test_a_row_for_each_rank_in_order() -> None:
    ranks = rows(JOB, ANSWERS)
    assert [(row.worker, row.rank, row.pod, row.node) for row in ranks] == [
        (0, 0, "gpt-worker-0", "a"),
        (0, 1, "gpt-worker-0", "a"),
        (1, 0, "gpt-worker-1", "b"),
    ]
    assert [row.slowness for row in ranks] == [1.0, 1.0, 2.5]
    assert [row.gpu for row in ranks] == [0.9, 0.5, None], "the pod's GPUs by number, not by text"
    assert [row.memory_limit for row in ranks] == [2**31, 2**31, None]


def test_gpu_instances_are_in_natural_order() -> None:
    instances = [series([n / 10], pod="gpt-worker-0", gpu=name) for n, name in enumerate(("0:10", "1:0", "0:2"))]
    ranks = rows(JOB, {**ANSWERS, "gpu": instances, "compute": [compute(0, rank, 0.2) for rank in range(3)]})
    assert [row.gpu for row in ranks] == [0.2, 0.0, 0.1]


def test_no_expression_selects_an_instance() -> None:
    for name, expr in exprs(JOB).items():
        assert re.match(r"(time\(\) - |sum\()?max by \(", expr), name
        assert "instance" not in expr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["gpt", "-n", "team"], "no current metrics of job team/gpt", id="a job without metrics"),
        pytest.param(['x"} or vector(1'], "not a valid Kubernetes name", id="an invalid name"),
        pytest.param(["gpt", "--prometheus", "localhost:9090"], "begin with http", id="an invalid URL"),
    ],
)
def test_a_command_that_has_nothing_to_show_is_bad_input(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering({}) as url:
        assert main(["top", "--once", "--prometheus", url, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_an_unreachable_server_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "gpt", "--prometheus", "http://127.0.0.1:9"]) == 2
    assert "kubectl" in capsys.readouterr().err
