"""The report is one self-contained page, written completely or not at all."""

import re
from pathlib import Path
from typing import Any

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.errors import CommandError
from llmtrain_cli.report.page import figures, page, write
from unit.cli.fake_prometheus import START, answering, history, series


def test_the_head_shows_the_figures_of_the_training() -> None:
    shown = dict(figures(history()))
    assert shown["Steps"] == "30"
    assert dict(figures(history(steps=[series([40] * 6)])))["Steps"] == "30 / 40"
    assert shown["Lifetime"] == "52 s"
    assert shown["Goodput"] == "73.1%"
    assert (shown["Recoveries"], shown["Recoveries by pod"]) == ("1", "1")
    assert dict(figures(history(tokens=[])))["Tokens"] == "no data"


def test_the_head_counts_recoveries_by_method() -> None:
    counters = [series([2, 0, 1], method="pod"), series([0, 0, 1], method="process")]
    shown = dict(figures(history(recoveries=counters)))
    assert (shown["Recoveries"], shown["Recoveries by pod"], shown["Recoveries by process"]) == ("4", "3", "1")


def test_the_page_has_tables_and_the_reasons_of_missing_charts() -> None:
    assert "<td>pod</td>" in page(history())
    assert "No GPU metrics of this job." in page(history())


def test_label_values_are_escaped_and_nothing_is_requested() -> None:
    text = page(history(cpus=[series([1, 2], pod="</script><script>alert(1)</script>")]))
    assert "<script>alert(1)" not in text
    assert not re.search(r'(src|href)="(?!data:)', text.split("</style>")[1].rpartition("</head>")[2])


def test_a_file_that_cannot_be_written_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "report.html", tmp_path, Path("."), Path("/")):
        with pytest.raises(CommandError, match="--output"):
            write(history(), path)
    write(history(), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def matrix(values: list[float], **labels: str) -> dict[str, Any]:
    """Return a series as Prometheus' API does."""
    return {"metric": labels, "values": [[START + 10 * n, str(value)] for n, value in enumerate(values)]}


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {
        "job_seconds_total": [matrix([0, 10], category="stepping")],
        "job_step{": [matrix([1, 7])],
        "job_steps{": [matrix([9, 9])],
    }
    with answering(answers) as url:
        assert main(["report", "gpt", "--prometheus", url, "--output", str(tmp_path / "a.html")]) == 0
    assert str(tmp_path / "a.html") in capsys.readouterr().out
    assert "<dd>7 / 9</dd>" in (tmp_path / "a.html").read_text()
