"""Dashboards query metrics that exist, and show every metric."""

import json
import re

import pytest

from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_dashboards.dashboard import NO_DATA, Dashboard, Panel
from llmtrain_dashboards.grafana import DASHBOARDS, dashboard_json

KNOWN = {metric.name for metric in CATALOGUE} | {rule.record for rule in RECORDINGS}
PANELS = [
    pytest.param(panel, id=f"{dashboard.uid}: {panel.title}") for dashboard in DASHBOARDS for panel in dashboard.panels
]


def names_in(panel: Panel) -> set[str]:
    """Return the metrics and recording rules that a panel queries."""
    return {name for query in panel.queries for name in re.findall(r"(?:\w+:)?llmtrain_\w+(?::\w+)?", query.expr)}


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_queries_metrics_that_exist(panel: Panel) -> None:
    names = names_in(panel)
    assert names <= KNOWN
    assert names or "ALERTS" in panel.queries[0].expr


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_has_a_description_a_unit_and_legends(panel: Panel) -> None:
    assert panel.help.endswith(".")
    assert panel.unit
    assert len(panel.queries) == 1 or all(query.legend for query in panel.queries)


def test_every_metric_is_shown_in_a_panel() -> None:
    shown = {name for dashboard in DASHBOARDS for panel in dashboard.panels for name in names_in(panel)}
    assert {metric.name for metric in CATALOGUE} - shown == set()


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_the_json_has_every_panel_and_variable(dashboard: Dashboard) -> None:
    encoded = json.loads(dashboard_json(dashboard))
    panels = [panel for panel in encoded["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in panels] == [panel.title for panel in dashboard.panels]
    assert encoded["panels"][0]["title"] == dashboard.rows[0].title == "Health"
    queries = [query for panel in panels for query in panel["targets"]]
    queries += [variable.query for variable in dashboard.variables]
    used = set(re.findall(r"\$(\w+)", json.dumps(queries))) - {"__rate_interval"}
    assert used == {variable.name for variable in dashboard.variables}
    assert {variable["name"] for variable in encoded["templating"]["list"]} == {"datasource"} | used


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_a_stat_is_an_instant_query_and_shows_when_there_is_no_data(dashboard: Dashboard) -> None:
    for panel in json.loads(dashboard_json(dashboard))["panels"]:
        if panel["type"] == "stat":
            assert [(query["instant"], query.get("range", False)) for query in panel["targets"]] == [(True, False)]
            assert panel["fieldConfig"]["defaults"]["noValue"] == NO_DATA


LINKS = [pytest.param(panel, id=panel.title) for dashboard in DASHBOARDS for panel in dashboard.panels if panel.link]


@pytest.mark.parametrize("panel", LINKS)
def test_a_link_selects_variables_that_its_target_has(panel: Panel) -> None:
    assert panel.link is not None
    uid = panel.link.url.removeprefix("/d/").partition("?")[0]
    (target,) = (dashboard for dashboard in DASHBOARDS if dashboard.uid == uid)
    selected = set(re.findall(r"var-(\w+)=\$\{__field\.labels\.\1\}", panel.link.url))
    assert selected
    assert selected <= {variable.name for variable in target.variables}
    assert {label for query in panel.queries for label in re.findall(r"{{(\w+)}}", query.legend)} >= selected


def test_dashboards_link_to_jobs_and_nodes() -> None:
    assert {panel.values[0].link.title for panel in LINKS} == {"This job", "This node"}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_panels_do_not_overlap(dashboard: Dashboard) -> None:
    positions = [panel["gridPos"] for panel in json.loads(dashboard_json(dashboard))["panels"]]
    cells = [
        (x, y) for at in positions for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
