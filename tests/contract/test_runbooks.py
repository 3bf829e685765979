"""Runbooks name dashboards, rows, panels and alerts as they are titled."""

import re

import pytest

from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.rule import AlertingRule
from llmtrain_dashboards.dashboard import Dashboard
from llmtrain_dashboards.grafana import DASHBOARDS

BY_NAME = {dashboard.title.removeprefix("llmtrain / "): dashboard for dashboard in DASHBOARDS}
NAMES = {alert.name for alert in ALERTS}
PLACE = re.compile(
    r"(?:(?P<kind>row|panel)s? (?P<titles>\*[^*]+\*(?:(?:, | and )\*[^*]+\*)*) of the )?dashboard \*(?P<dashboard>[^*]+)\*"
)
"""How a text names a place: "the rows *Hardware* and *Time* of the dashboard *Job*"."""
EMPHASIS = re.compile(r"\*([^*]+)\*")


def faults(text: str) -> list[str]:
    """Return what a text names in italics that no dashboard has, or that is no part of a dashboard's name."""
    found = []
    for place in PLACE.finditer(text):
        dashboard = BY_NAME.get(place["dashboard"])
        if dashboard is None:
            found.append(f"no dashboard *{place['dashboard']}*")
            continue
        known = titles(dashboard, place["kind"])
        named = EMPHASIS.findall(place["titles"] or "")
        found += [
            f"dashboard *{place['dashboard']}* has no {place['kind']} *{one}*" for one in named if one not in known
        ]
    return found + [f"*{one}* is not named with its dashboard" for one in EMPHASIS.findall(PLACE.sub("", text))]


def titles(dashboard: Dashboard, kind: str | None) -> set[str]:
    """Return the titles of a dashboard's rows or panels."""
    return {part.title for part in (dashboard.rows if kind == "row" else dashboard.panels)}


def runbook(alert: AlertingRule) -> str:
    """Return the texts of an alert that a reader follows."""
    return " ".join((alert.meaning, alert.diagnosis, alert.mitigation))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_runbook_names_places_that_exist(alert: AlertingRule) -> None:
    assert not faults(runbook(alert))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_runbook_names_alerts_that_exist(alert: AlertingRule) -> None:
    assert set(re.findall(r"\bLlmtrain[A-Z]\w+", runbook(alert))) <= NAMES


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("the row *Nothing* of the dashboard *Job*", id="a row that does not exist"),
        pytest.param("the rows *Time* and *Nothing* of the dashboard *Job*", id="the second of two rows"),
        pytest.param("the panel *Time* of the dashboard *Job*", id="a row as a panel"),
        pytest.param("the dashboard *Nothing*", id="a dashboard that does not exist"),
        pytest.param("the row *Time*", id="a row without its dashboard"),
    ],
)
def test_the_check_of_places_rejects(text: str) -> None:
    assert faults(text)
