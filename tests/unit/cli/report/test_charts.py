"""Charts show a training's history, or why there is no data."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.charts import Chart, charts
from llmtrain_cli.report.history import TimeRange
from unit.cli.fake_prometheus import START, history, series


def chart(key: str, **more: Any) -> Chart:
    """Return one chart of the fake training; `more` replaces series by name."""
    return next(each for each in charts(history(**more)) if each.key == key)


def test_the_loss_is_drawn_over_steps() -> None:
    training, held_out = chart("loss").figure.data
    assert list(training.x) == [0, 10, 15, 20, 25, 30]
    assert list(training.y) == [5, 4, 3.5, 3, 2.5, 2]
    assert (list(held_out.x), list(held_out.y)) == ([0, 25], [4.5, 2.25]), "only where it was evaluated"


def test_the_categories_of_each_span_of_time_add_up_to_one() -> None:
    bars = chart("time").figure.data
    shares = {bar.name: dict(zip([round(60 * x) for x in bar.x], bar.y, strict=True)) for bar in bars}
    assert [bar.name for bar in bars] == ["stepping", "recovering", "replaying"], "categories without time are left out"
    for second in (0, 10, 20, 30, 40):
        assert sum(share[second] for share in shares.values()) == pytest.approx(1)
    assert shares["recovering"][20] == 1
    assert shares["replaying"][30] == 0.2


def test_categories_without_time_are_left_out() -> None:
    figure = chart("time", seconds=[series([0, 10], category="stepping"), series([0, 0], category="waiting")]).figure
    assert [bar.name for bar in figure.data] == ["stepping"]


def test_a_span_lasts_until_the_next_update_of_the_time_ledger() -> None:
    (bar,) = chart("time", seconds=[series([0, 10, 10, 10, 40, 50], category="stepping")]).figure.data
    assert [round(60 * x) for x in bar.x] == [0, 10, 40]
    assert [round(60 * width) for width in bar.width] == [10, 30, 10]


def test_a_recovery_is_marked_in_the_chart_and_its_cost_is_in_the_table() -> None:
    ranks = chart("ranks")
    assert [line.x0 for line in ranks.figure.layout.shapes] == [0.5]
    titles, *rows = ranks.table
    assert [dict(zip(titles, row, strict=True)) for row in rows] == [
        {
            "time (UTC)": "2025-10-09 08:53:50",
            "method": "pod",
            "recoveries": "1",
            "detect, s": "4.0",
            "rendezvous, s": "-",
            "restore, s": "-",
            "replay, s": "2.5",
            "total, s": "6.5",
        }
    ]
    assert chart("ranks", recoveries=[]).table == []


def pods(count: int) -> list[Series]:
    """Return a series for each of `count` pods."""
    return [series([n, count - n], pod=f"gpt-worker-{n}") for n in range(count)]


def test_pods_are_in_the_order_of_their_numbers() -> None:
    figure = chart("cpus", cpus=list(reversed(pods(12)))).figure
    assert [line.name for line in figure.data] == [f"gpt-worker-{n}" for n in range(12)]
    assert figure.layout.legend.yanchor == "bottom", "a legend of several rows grows away from the chart"


def test_many_pods_are_drawn_as_maximum_median_and_minimum() -> None:
    lines = {line.name: list(line.y) for line in chart("cpus", cpus=pods(13)).figure.data}
    assert lines == {"maximum of 13": [12, 13], "median of 13": [6, 7], "minimum of 13": [0, 1]}


def test_all_charts_over_time_span_the_whole_training() -> None:
    late = series([0.5, 0.6], pod="gpt-worker-0")
    axes = [each.figure.layout.xaxis for each in charts(history(cpus=[late])) if each.figure and each.key != "loss"]
    assert len(axes) > 3
    assert {(axis.range, axis.title.text) for axis in axes} == {((0, 50 / 60), "minutes")}


def test_a_long_training_is_drawn_over_hours() -> None:
    long = replace(history(), time_range=TimeRange(created=START, start=START, end=START + 6 * 3600))
    axis = next(each for each in charts(long) if each.key == "ranks").figure.layout.xaxis
    assert (axis.range, axis.title.text) == ((0, 6), "hours")


def test_a_chart_without_data_states_the_reason() -> None:
    assert (chart("gpu").figure, chart("gpu").missing) == (None, "No GPU metrics of this job.")
    assert chart("gpu", gpu=[series([0.5, 0.6], pod="gpt-worker-0")]).figure is not None
    assert chart("loss", loss=[], held_out_loss=[]).missing == "The job completed no step."
