"""`llmtrain report` draws what was told of the newest training of a name, and says what was not."""

import re
from pathlib import Path
from typing import Any

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.report.charts import Chart, charts, recoveries
from llmtrain_cli.report.history import newest_life
from llmtrain_cli.report.page import figures, page, write
from unit.cli.histories import START, answering, history, series


def chart(key: str, **more: Any) -> Chart:
    return next(one for one in charts(history(**more)) if one.key == key)


def test_the_loss_is_drawn_over_steps() -> None:
    training, held_out = chart("loss").figure.data
    assert list(training.x) == [0, 10, 15, 20, 25, 30]
    assert list(training.y) == [5, 4, 3.5, 3, 2.5, 2]
    assert held_out.y[-1] == 2.25


def test_every_stretch_of_time_is_whole() -> None:
    bars = chart("time").figure.data
    parts = {bar.name: dict(zip([round(60 * x) for x in bar.x], bar.y, strict=True)) for bar in bars}
    assert [bar.name for bar in bars] == ["stepping", "starting", "recovering", "replaying"]
    for second in (0, 10, 20, 30, 40):
        assert sum(part[second] for part in parts.values()) == pytest.approx(1)
    assert parts["recovering"][20] == 1
    assert parts["replaying"][30] == 0.2


def test_kinds_that_took_no_time_are_left_out() -> None:
    figure = chart("time", seconds=[series([0, 10], kind="stepping"), series([0, 0], kind="waiting")]).figure
    assert [bar.name for bar in figure.data] == ["stepping"]


def test_a_stretch_lasts_until_the_account_says_more() -> None:
    (bar,) = chart("time", seconds=[series([0, 10, 10, 10, 40, 50], kind="stepping")]).figure.data
    assert [round(60 * x) for x in bar.x] == [0, 10, 40]
    assert [round(60 * width) for width in bar.width] == [10, 30, 10]


def test_a_recovery_is_marked_where_it_was_told() -> None:
    assert recoveries([series([0, 1, 1, 3], rung="pod"), series([1, 1], rung="process")]) == [
        (START, "process"), (START + 10, "pod"), (START + 30, "pod"),
    ]  # fmt: skip
    assert chart("ranks").figure.layout.shapes[0].x0 == 0.5


def test_what_was_not_told_is_said() -> None:
    assert chart("gpu").figure is None
    assert "Nobody told of a GPU" in page(history())
    assert chart("gpu", gpu=[series([0.5, 0.6], pod="gpt-worker-0")]).figure is not None
    assert chart("loss", loss=[], held_out_loss=[]).missing == "The job did no step."


def test_the_figures_at_the_head() -> None:
    shown = dict(figures(history()))
    assert shown["Steps"] == "30"
    assert shown["Life"] == "52 s"
    assert shown["Goodput"] == "73.1%"
    assert (shown["Recoveries"], shown["Recoveries by pod"]) == ("1", "1")
    assert dict(figures(history(tokens=[])))["Tokens"] == "not told"


def test_the_newest_training_of_a_name_is_taken() -> None:
    again = [series([5, 10, 1, 4], kind="stepping"), series([1, 1, 1, 1], kind="starting")]
    assert newest_life(again) == (START + 20, START + 30)
    assert newest_life([series([5, 10], kind="stepping")]) == (START, START + 10)


def test_words_of_others_are_text() -> None:
    text = page(history(cpus=[series([1, 2], pod="</script><script>alert(1)</script>")]))
    assert "<script>alert(1)" not in text
    assert not re.search(r'(src|href)="(?!data:)', text.split("</style>")[1].rpartition("</head>")[2])


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    from llmtrain_cli.errors import CommandError

    with pytest.raises(CommandError, match="--out"):
        write(history(), tmp_path / "none" / "report.html")
    write(history(), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def matrix(values: list[float], **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[START + 10 * n, str(value)] for n, value in enumerate(values)]}


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"job_seconds_total": [matrix([0, 10], kind="stepping")], "job_step{": [matrix([1, 7])]}
    with answering(answers) as url:
        assert main(["report", "gpt", "--prometheus", url, "--out", str(tmp_path / "a.html")]) == 0
    assert str(tmp_path / "a.html") in capsys.readouterr().out
    assert "<dd>7</dd>" in (tmp_path / "a.html").read_text()


def test_a_job_that_nobody_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with answering({}) as url:
        assert main(["report", "gpt", "--prometheus", url]) == 2
    assert "--since" in capsys.readouterr().err
