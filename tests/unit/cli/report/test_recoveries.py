"""Recoveries are counted from counters that start from 0 in each coordinator."""

import pytest

from llmtrain_cli.prometheus import Series
from llmtrain_cli.report.recoveries import recoveries
from unit.cli.fake_prometheus import START, history, series


def of_two_instances() -> list[Series]:
    """Return the counters of a coordinator and of its successor in another pod."""
    return [series([0, 2], method="pod", instance="a"), series([0, 0, 1], method="pod", instance="b")]


def of_two_scrape_jobs() -> list[Series]:
    """Return the counter of one coordinator as two jobs of Prometheus scrape it."""
    return [series([0, 2, 2], method="pod", instance="a", job=job) for job in ("annotations", "podmonitor")]


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        pytest.param([series([0, 1, 1, 3], method="pod")], [(10, 1), (30, 2)], id="a counter that increases"),
        pytest.param([series([2, 0, 0, 1], method="pod")], [(0, 2), (30, 1)], id="a reset to 0"),
        pytest.param([series([2, 1, 1, 1], method="pod")], [(0, 2), (10, 1)], id="a reset that already counted one"),
        pytest.param(of_two_instances(), [(10, 2), (20, 1)], id="two instances"),
        pytest.param(of_two_scrape_jobs(), [(10, 2)], id="one instance that is scraped twice"),
    ],
)
def test_recoveries_are_found_at_their_scrape(counters: list[Series], expected: list[tuple[float, int]]) -> None:
    groups = recoveries(history(recoveries=counters))
    assert [(group.at - START, group.count) for group in groups] == expected


def test_the_cost_of_a_recovery_is_known_by_phase() -> None:
    (group,) = recoveries(history())
    assert (group.method, group.seconds) == ("pod", {"detect": 4, "replay": 2.5})
