"""A chart of lines by step, as SVG that is part of a page: no script, and nothing is loaded."""

import math
from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from llmtrain_trainer.stages.page import element, number

Points = Sequence[tuple[int, float]]
"""Steps, and a number at each, in order."""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720.0, 260.0, 64.0, 12.0, 26.0, 34.0
"""Size of the chart and of its margins, in units of the drawing."""
COLOURS = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f")
TICKS = 5
"""Marks on an axis, about."""
MAX_DOTS = 40
"""Points of a line that are also drawn as dots."""
GREATEST = 1e100
"""Numbers beyond it are not drawn, and those below its inverse are 0: floats are too coarse there for the marks of an axis."""


def line_chart(title: str, lines: Mapping[str, Points]) -> Element | None:
    """Return the chart of lines by name; None if there is nothing to draw."""
    drawn = {name: found for name, points in lines.items() if (found := _drawable(points))}
    if not drawn:
        return None
    x, y = _x_axis(drawn), _y_axis(drawn)
    chart = element(
        "svg",
        element("title", title),
        *_grid(x, y),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        class_="chart",
    )
    for place, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[place % len(COLOURS)]
        chart.extend(_line([(x.place(step), y.place(value)) for step, value in points], colour))
        at = LEFT + place * (WIDTH - LEFT - RIGHT) / len(drawn)
        chart.append(_text(name, at, TOP - 10, anchor="start", colour=colour))
    return chart


class _Axis:
    """Numbers from `low` to `high`, drawn from `start` to `stop`."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self.low, self.high, self.start, self.stop = low, high, start, stop

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self, least: float = 0.0) -> list[float]:
        """Return round numbers on the axis, apart by 1, 2 or 5 times a power of ten that is not below `least`."""
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        gap = max(least, next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999))
        first, last = math.ceil(self.low / gap), math.floor(self.high / gap)
        return [place * gap for place in range(first, min(last, first + 4 * TICKS) + 1)]


def _drawable(points: Points) -> list[tuple[int, float]]:
    return [(step, value if abs(value) * GREATEST >= 1 else 0.0) for step, value in points if abs(value) <= GREATEST]


def _x_axis(lines: Mapping[str, Points]) -> _Axis:
    return _Axis(0.0, float(max(1, *(points[-1][0] for points in lines.values()))), LEFT, WIDTH - RIGHT)


def _y_axis(lines: Mapping[str, Points]) -> _Axis:
    values = [value for points in lines.values() for _, value in points]
    low, high = min(values), max(values)
    pad = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return _Axis(low - pad, high + pad, HEIGHT - BOTTOM, TOP)


def _grid(x: _Axis, y: _Axis) -> Iterator[Element]:
    for value in y.ticks():
        at = y.place(value)
        yield _rule(LEFT, at, WIDTH - RIGHT, at)
        yield _text(number(float(f"{value:.6g}")), LEFT - 6, at + 4, anchor="end")
    for value in x.ticks(least=1.0):
        at = x.place(value)
        yield _rule(at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 4)
        yield _text(number(round(value)), at, HEIGHT - BOTTOM + 17, anchor="middle")
    yield _rule(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, stroke="#888")
    yield _text("steps", WIDTH - RIGHT, HEIGHT - 2, anchor="end")


def _line(places: Sequence[tuple[float, float]], colour: str) -> Iterator[Element]:
    points = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    yield element("polyline", points=points, fill="none", stroke=colour, **{"stroke-width": "1.5"})
    if len(places) <= MAX_DOTS:
        for across, down in places:
            yield element("circle", cx=f"{across:.1f}", cy=f"{down:.1f}", r="2.5", fill=colour)


def _rule(x1: float, y1: float, x2: float, y2: float, stroke: str = "#ddd") -> Element:
    return element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", stroke=stroke)


def _text(text: str, x: float, y: float, *, anchor: str, colour: str = "#555") -> Element:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", fill=colour, **{"text-anchor": anchor, "font-size": "12"})
