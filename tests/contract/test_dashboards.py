"""Dashboards ask for what is there, and show all there is."""

import json
import re

import pytest

from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_dashboards.dashboard import NO_DATA, Dashboard, Panel
from llmtrain_dashboards.grafana import BOARDS, dashboard_json

KNOWN = {metric.name for metric in CATALOGUE} | {rule.record for rule in RECORDINGS}
PANELS = [pytest.param(panel, id=f"{board.uid}: {panel.title}") for board in BOARDS for panel in board.panels]


def names_in(panel: Panel) -> set[str]:
    return {name for query in panel.queries for name in re.findall(r"(?:\w+:)?llmtrain_\w+(?::\w+)?", query.expr)}


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_what_is_there(panel: Panel) -> None:
    asked = names_in(panel)
    assert asked <= KNOWN
    assert asked or "ALERTS" in panel.queries[0].expr


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_explains_itself(panel: Panel) -> None:
    assert panel.help.endswith(".")
    assert panel.unit
    assert len(panel.queries) == 1 or all(query.legend for query in panel.queries)


def test_every_metric_is_shown_somewhere() -> None:
    shown = {name for board in BOARDS for panel in board.panels for name in names_in(panel)}
    assert {metric.name for metric in CATALOGUE} - shown == set()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_grafana_gets_every_panel(board: Dashboard) -> None:
    read = json.loads(dashboard_json(board))
    panels = [panel for panel in read["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in panels] == [panel.title for panel in board.panels]
    assert read["panels"][0]["title"] == board.rows[0].title == "Is it fine?"
    chosen = [query for panel in panels for query in panel["targets"]] + [one.query for one in board.variables]
    used = set(re.findall(r"\$(\w+)", json.dumps(chosen))) - {"__rate_interval"}
    assert used == {variable.name for variable in board.variables}
    assert {variable["name"] for variable in read["templating"]["list"]} == {"datasource"} | used


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_number_is_of_now_and_says_when_nobody_tells(board: Dashboard) -> None:
    for panel in json.loads(dashboard_json(board))["panels"]:
        if panel["type"] == "stat":
            assert [(one["instant"], one.get("range", False)) for one in panel["targets"]] == [(True, False)]
            assert panel["fieldConfig"]["defaults"]["noValue"] == NO_DATA


LINKS = [pytest.param(panel, id=panel.title) for board in BOARDS for panel in board.panels if panel.link]


@pytest.mark.parametrize("panel", LINKS)
def test_a_link_leads_to_a_board_that_has_the_choices(panel: Panel) -> None:
    assert panel.link is not None
    uid = panel.link.url.removeprefix("/d/").partition("?")[0]
    (board,) = (board for board in BOARDS if board.uid == uid)
    chosen = set(re.findall(r"var-(\w+)=\$\{__field\.labels\.\1\}", panel.link.url))
    assert chosen
    assert chosen <= {variable.name for variable in board.variables}
    assert {label for query in panel.queries for label in re.findall(r"{{(\w+)}}", query.legend)} >= chosen


def test_other_boards_lead_to_jobs_and_nodes() -> None:
    assert {panel.values[0].link.title for panel in LINKS} == {"This job", "This node"}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_lie_side_by_side_and_not_on_each_other(board: Dashboard) -> None:
    places = [panel["gridPos"] for panel in json.loads(dashboard_json(board))["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
