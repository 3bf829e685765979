"""The newest training of a name is found in the scrapes of its time ledger, and only its series are read."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.prometheus import Prometheus, Series
from llmtrain_cli.report.history import POINTS, TimeRange, exprs, grid, newest_time_range, read
from unit.cli.fake_prometheus import JOB, START, answering, serving


def ledger(*seconds: float, at: float = 0, instance: str = "a") -> list[Series]:
    """Return a time ledger of two categories with these sums, every 10 seconds from `at` on."""
    shares = {"stepping": 0.75, "starting": 0.25}
    return [
        Series(
            labels={"category": category, "instance": instance},
            points=tuple((START + at + 10 * n, share * total) for n, total in enumerate(seconds)),
        )
        for category, share in shares.items()
    ]


def time_range(created: float, start: float, end: float) -> TimeRange:
    """Return a time range from seconds after START."""
    return TimeRange(created=START + created, start=START + start, end=START + end)


@pytest.mark.parametrize(
    ("scraped", "expected"),
    [
        pytest.param(ledger(5, 15), time_range(-5, 0, 10), id="a single training"),
        pytest.param(ledger(5, 15, 5, 15), time_range(15, 20, 30), id="another training of the same instance"),
        pytest.param(
            ledger(100, 110) + ledger(5, 15, at=60, instance="b"),
            time_range(55, 60, 70),
            id="another training of another instance",
        ),
        pytest.param(
            ledger(5, 15) + ledger(45, 55, at=40, instance="b"),
            time_range(-5, 0, 50),
            id="a coordinator that moved to another pod",
        ),
        pytest.param(
            ledger(50, 60, 66, 76),
            time_range(-50, 0, 30),
            id="a coordinator that restarted in place from a ledger 4 s old",
        ),
        pytest.param(
            ledger(50, 60) + ledger(56, 66, at=10, instance="b"),
            time_range(-50, 0, 20),
            id="two coordinators that overlap during a move",
        ),
        pytest.param(
            ledger(50, 60, 70) + ledger(6, 16, at=20.5, instance="b"),
            time_range(14.5, 20.5, 30.5),
            id="an earlier training that ended just before",
        ),
        pytest.param(
            ledger(50, 60, 70) + ledger(6, 16, at=15, instance="b"),
            time_range(9, 25, 25),
            id="an earlier training whose coordinator exits late",
        ),
    ],
)
def test_the_newest_training_of_a_name_is_found(scraped: list[Series], expected: TimeRange) -> None:
    assert newest_time_range(scraped) == replace(expected, end=max(expected.end, expected.start + 1))


def test_the_second_half_of_a_training_has_the_same_creation_time() -> None:
    second_half = newest_time_range(ledger(25, 35, at=20))
    assert second_half.created == newest_time_range(ledger(5, 15, 25, 35)).created


@pytest.mark.parametrize("duration", [0.5, 1.0, 63.04, 399.999, 400.001, 86_400.123])
def test_the_last_point_is_the_last_scrape(duration: float) -> None:
    """Scrapes are not whole seconds apart, and a query gives values at its start and whole steps after it."""
    end = START + duration
    start, step = grid(TimeRange(created=START, start=START, end=max(end, START + 1)))
    points = round((max(end, START + 1) - start) / step)
    assert start + points * step == pytest.approx(max(end, START + 1), abs=0.0005)
    assert START - 0.001 <= start < START + step
    assert step == pytest.approx(round(step, 3), abs=1e-9)
    assert points <= POINTS


def test_no_curve_selects_an_instance() -> None:
    for name, expr in exprs(JOB, 1.0).items():
        assert re.match(r"(max|sum|avg) by \(", expr), name
        assert "instance" not in expr


def test_rates_are_taken_over_at_least_two_scrapes() -> None:
    assert "[150s]" in exprs(JOB, 1.0)["cpus"]
    assert "[400s]" in exprs(JOB, 100.0)["network"]


def matrix(values: list[float], **labels: str) -> dict[str, Any]:
    """Return a series as Prometheus' API does."""
    return {"metric": labels, "values": [[START + 10 * n, str(value)] for n, value in enumerate(values)]}


def test_recoveries_are_read_scrape_by_scrape_from_this_training_alone() -> None:
    counters = [matrix([3, 0, 1], method="pod", instance="a"), matrix([1], method="pod", instance="gone")]
    queries: list[str] = []

    def answer(expr: str, headers: Mapping[str, str]) -> object:
        queries.append(expr)
        if "job_seconds_total" in expr:
            return [matrix([100, 1, 11], category="stepping", instance="a")]
        return counters if "recoveries_total" in expr else []

    with serving(answer) as url:
        history = read(Prometheus(url), JOB, "7d")
    (found,) = history.series["recoveries"]
    assert found.points == ((START + 10, 0.0), (START + 20, 1.0))
    assert any(expr.endswith("[11s]") for expr in queries), "no more than the training's time range"


def test_a_job_without_series_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with answering({}) as url:
        assert main(["report", "gpt", "--prometheus", url]) == 2
    assert "no metrics of job default/gpt" in (message := capsys.readouterr().err)
    assert "--since" in message
