"""Lines by step are drawn as SVG within a page."""

import math
from xml.etree.ElementTree import tostring

import pytest

from llmtrain_trainer.stages.line_chart import HEIGHT, MAX_DOTS, WIDTH, Points, line_chart


def test_lines_are_drawn_with_names_axes_and_dots() -> None:
    chart = line_chart("loss by step", {"training loss": [(0, 4.0), (50, 2.0), (100, 1.0)], "held <out>": [(100, 2.0)]})
    assert chart is not None
    text = tostring(chart, encoding="unicode", method="html")
    for part in ("<title>loss by step</title>", "training loss", "held &lt;out&gt;", ">steps<", ">100<", ">2<"):
        assert part in text, part
    assert "script" not in text
    assert len(chart.findall("polyline")) == 2
    assert len(chart.findall("circle")) == 4


@pytest.mark.parametrize(
    "points",
    [
        pytest.param([(1, 0.0)], id="one point at zero"),
        pytest.param([(1, 2.5), (2, 2.5)], id="numbers that are all the same"),
        pytest.param([(1, -1e100), (2, 1e100)], id="great numbers"),
        pytest.param([(1, 1e-300), (2, 2e-300)], id="small numbers"),
        pytest.param([(1, 1.9e-322)], id="a number that is hardly one"),
        pytest.param([(step, math.sin(step)) for step in range(1, 10**6, 10_000)], id="many steps"),
        pytest.param([(1, math.nan), (2, 1.0), (3, math.inf)], id="numbers that can't be drawn are left out"),
        pytest.param([(1, 1.0), (2, 1.0 + 1e-15)], id="numbers that hardly differ"),
    ],
)
def test_every_point_is_within_the_chart(points: Points) -> None:
    chart = line_chart("t", {"line": points})
    assert chart is not None
    (line,) = chart.findall("polyline")
    for place in line.attrib["points"].split():
        across, down = map(float, place.split(","))
        assert 0 <= across <= WIDTH
        assert 0 <= down <= HEIGHT
    assert 2 <= len(chart.findall("line")) <= 60
    assert (len(points) > MAX_DOTS) == (not chart.findall("circle"))


def test_nothing_to_draw_is_no_chart() -> None:
    assert line_chart("t", {}) is None
    assert line_chart("t", {"a": [], "b": [(1, math.nan)]}) is None
