"""`llmtrain report` draws what was told of the newest training of a name, and says what was not."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.prometheus import Prometheus, Series
from llmtrain_cli.report.charts import Chart, charts
from llmtrain_cli.report.history import TimeRange, newest_life, questions, read
from llmtrain_cli.report.page import figures, page, write
from llmtrain_cli.report.recoveries import recoveries
from unit.cli.fake_prometheus import JOB, START, answering, history, series, serving


def chart(key: str, **more: Any) -> Chart:
    return next(one for one in charts(history(**more)) if one.key == key)


def test_the_loss_is_drawn_over_steps() -> None:
    training, held_out = chart("loss").figure.data
    assert list(training.x) == [0, 10, 15, 20, 25, 30]
    assert list(training.y) == [5, 4, 3.5, 3, 2.5, 2]
    assert (list(held_out.x), list(held_out.y)) == ([0, 25], [4.5, 2.25]), "only where it was evaluated"


def test_every_stretch_of_time_is_whole() -> None:
    bars = chart("time").figure.data
    parts = {bar.name: dict(zip([round(60 * x) for x in bar.x], bar.y, strict=True)) for bar in bars}
    assert [bar.name for bar in bars] == ["stepping", "recovering", "replaying"], "what took no time is left out"
    for second in (0, 10, 20, 30, 40):
        assert sum(part[second] for part in parts.values()) == pytest.approx(1)
    assert parts["recovering"][20] == 1
    assert parts["replaying"][30] == 0.2


def test_kinds_that_took_no_time_are_left_out() -> None:
    figure = chart("time", seconds=[series([0, 10], category="stepping"), series([0, 0], category="waiting")]).figure
    assert [bar.name for bar in figure.data] == ["stepping"]


def test_a_stretch_lasts_until_the_account_says_more() -> None:
    (bar,) = chart("time", seconds=[series([0, 10, 10, 10, 40, 50], category="stepping")]).figure.data
    assert [round(60 * x) for x in bar.x] == [0, 10, 40]
    assert [round(60 * width) for width in bar.width] == [10, 30, 10]


def told(*counts: float, method: str) -> list[tuple[float, int]]:
    found = recoveries(history(recoveries=[series(counts, method=method)]))
    return [(one.at - START, one.count) for one in found if one.method == method]


def test_recoveries_are_counted_through_a_new_coordinator_that_counts_from_0() -> None:
    assert told(0, 1, 1, 3, method="pod") == [(10, 1), (30, 2)]
    assert told(2, 0, 0, 1, method="pod") == [(0, 2), (30, 1)]
    assert told(2, 1, 1, 1, method="pod") == [(0, 2), (10, 1)]
    two = [series([0, 2], method="pod", instance="a"), series([0, 0, 1], method="pod", instance="b")]
    assert [(one.at - START, one.count) for one in recoveries(history(recoveries=two))] == [(10, 2), (20, 1)]
    twice = [series([0, 2, 2], method="pod", instance="a", job=job) for job in ("annotations", "podmonitor")]
    assert [(one.at - START, one.count) for one in recoveries(history(recoveries=twice))] == [(10, 2)]
    more = history(recoveries=[series([2, 0, 1], method="pod"), series([0, 0, 1], method="process")])
    shown = dict(figures(more))
    assert (shown["Recoveries"], shown["Recoveries by pod"], shown["Recoveries by process"]) == ("4", "3", "1")


def test_a_recovery_is_marked_where_it_was_told_and_a_table_says_what_it_cost() -> None:
    ranks = chart("ranks")
    assert [line.x0 for line in ranks.figure.layout.shapes] == [0.5]
    titles, *rows = ranks.table
    assert [dict(zip(titles, row, strict=True)) for row in rows] == [
        {
            "told (UTC)": "2025-10-09 08:53:50",
            "method": "pod",
            "recoveries": "1",
            "detect, s": "4.0",
            "rendezvous, s": "-",
            "restore, s": "-",
            "replay, s": "2.5",
            "in all, s": "6.5",
        }
    ]
    assert "<td>pod</td>" in page(history())
    assert chart("ranks", recoveries=[]).table == []


def pods(many: int) -> list[Series]:
    return [series([n, many - n], pod=f"gpt-worker-{n}") for n in range(many)]


def test_pods_are_in_the_order_of_their_numbers() -> None:
    figure = chart("cpus", cpus=list(reversed(pods(12)))).figure
    assert [line.name for line in figure.data] == [f"gpt-worker-{n}" for n in range(12)]
    assert figure.layout.legend.yanchor == "bottom", "a legend of several rows grows away from the chart"


def test_of_many_pods_the_least_the_median_and_the_most_are_drawn() -> None:
    lines = {line.name: list(line.y) for line in chart("cpus", cpus=pods(13)).figure.data}
    assert lines == {"most of 13": [12, 13], "median of 13": [6, 7], "least of 13": [0, 1]}


def test_all_charts_over_time_are_of_the_whole_training() -> None:
    late = series([0.5, 0.6], pod="gpt-worker-0")
    drawn = [one.figure.layout.xaxis for one in charts(history(cpus=[late])) if one.figure and one.key != "loss"]
    assert len(drawn) > 3
    assert {(axis.range, axis.title.text) for axis in drawn} == {((0, 50 / 60), "minutes")}


def test_a_long_training_is_drawn_over_hours() -> None:
    long = replace(history(), life=TimeRange(born=START, start=START, end=START + 6 * 3600))
    axis = next(one for one in charts(long) if one.key == "ranks").figure.layout.xaxis
    assert (axis.range, axis.title.text) == ((0, 6), "hours")


def test_what_was_not_told_is_said() -> None:
    assert chart("gpu").figure is None
    assert "Nobody told of a GPU" in page(history())
    assert chart("gpu", gpu=[series([0.5, 0.6], pod="gpt-worker-0")]).figure is not None
    assert chart("loss", loss=[], held_out_loss=[]).missing == "The job did no step."


def test_the_figures_at_the_head() -> None:
    shown = dict(figures(history()))
    assert shown["Steps"] == "30"
    assert dict(figures(history(steps=[series([40] * 6)])))["Steps"] == "30 / 40"
    assert shown["Life"] == "52 s"
    assert shown["Goodput"] == "73.1%"
    assert (shown["Recoveries"], shown["Recoveries by pod"]) == ("1", "1")
    assert dict(figures(history(tokens=[])))["Tokens"] == "not told"


def account(*seconds: float, at: float = 0, instance: str = "a") -> list[Series]:
    """Return a job's seconds in two kinds, each 10 seconds from `at` on."""
    parts = {"stepping": 0.75, "starting": 0.25}
    return [
        Series(
            labels={"category": kind, "instance": instance},
            points=tuple((START + at + 10 * n, part * one) for n, one in enumerate(seconds)),
        )
        for kind, part in parts.items()
    ]


def life(born: float, start: float, end: float) -> TimeRange:
    return TimeRange(born=START + born, start=START + start, end=START + end)


ONE_AFTER_THE_OTHER = account(100, 110) + account(5, 15, at=60, instance="b")


@pytest.mark.parametrize(
    ("told", "found", "why"),
    [
        (account(5, 15), life(-5, 0, 10), "one that nobody disturbs"),
        (account(5, 15, 5, 15), life(15, 20, 30), "another training, told by the same instance"),
        (ONE_AFTER_THE_OTHER, life(55, 60, 70), "another training, told by another instance"),
        (account(5, 15) + account(45, 55, at=40, instance="b"), life(-5, 0, 50), "the coordinator moved"),
        (account(50, 60, 66, 76), life(-50, 0, 30), "it went on in place, from an account 4 s old"),
        (account(50, 60) + account(56, 66, at=10, instance="b"), life(-50, 0, 20), "two that overlap in a move"),
        (
            account(50, 60, 70) + account(6, 16, at=20.5, instance="b"),
            life(14.5, 20.5, 30.5),
            "a former one, just over",
        ),
        (account(50, 60, 70) + account(6, 16, at=15, instance="b"), life(9, 25, 25), "a former one that ends late"),
    ],
)
def test_the_newest_training_of_a_name_is_taken(told: list[Series], found: TimeRange, why: str) -> None:
    assert newest_life(told) == replace(found, end=max(found.end, found.start + 1)), why


def test_a_look_at_its_second_half_finds_the_same_birth() -> None:
    assert newest_life(account(25, 35, at=20)).born == newest_life(account(5, 15, 25, 35)).born


def test_no_curve_is_of_one_instance() -> None:
    for name, asked in questions(JOB, 1.0).items():
        assert re.match(r"(max|sum|avg) by \(", asked), name
        assert "instance" not in asked


def test_speeds_are_taken_over_two_scrapes_at_least() -> None:
    assert "[150s]" in questions(JOB, 1.0)["cpus"]
    assert "[400s]" in questions(JOB, 100.0)["network"]


def test_words_of_others_are_text() -> None:
    text = page(history(cpus=[series([1, 2], pod="</script><script>alert(1)</script>")]))
    assert "<script>alert(1)" not in text
    assert not re.search(r'(src|href)="(?!data:)', text.split("</style>")[1].rpartition("</head>")[2])


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    from llmtrain_cli.errors import CommandError

    with pytest.raises(CommandError, match="--output"):
        write(history(), tmp_path / "none" / "report.html")
    for folder in (tmp_path, Path("."), Path("/")):
        with pytest.raises(CommandError, match="--output"):
            write(history(), folder)
    write(history(), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def matrix(values: list[float], **labels: str) -> dict[str, Any]:
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


def test_recoveries_are_read_scrape_by_scrape_of_this_training_alone() -> None:
    counted = [matrix([3, 0, 1], method="pod", instance="a"), matrix([1], method="pod", instance="gone")]
    asked: list[str] = []

    def answer(expression: str, headers: Mapping[str, str]) -> object:
        asked.append(expression)
        if "job_seconds_total" in expression:
            return [matrix([100, 1, 11], category="stepping", instance="a")]
        return counted if "recoveries_total" in expression else []

    with serving(answer) as url:
        found = read(Prometheus(url), JOB, "7d")
    assert [(one.at - START, one.count) for one in recoveries(found)] == [(20, 1)]
    assert any(text.endswith("[11s]") for text in asked), "no more than its life"


def test_a_job_that_nobody_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with answering({}) as url:
        assert main(["report", "gpt", "--prometheus", url]) == 2
    assert "--since" in capsys.readouterr().err
