"""Dashboards ask for what is there, and show all there is."""

import json
import re

import pytest

from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_dashboards.board import Board, Panel
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
def test_grafana_gets_every_panel(board: Board) -> None:
    read = json.loads(dashboard_json(board))
    panels = [panel for panel in read["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in panels] == [panel.title for panel in board.panels]
    assert read["panels"][0]["title"] == board.rows[0].title == "Is it fine?"
    used = set(re.findall(r"\$(\w+)", json.dumps([panel["targets"] for panel in panels])))
    assert used - {"__rate_interval"} == {variable.name for variable in board.variables}
    assert {variable["name"] for variable in read["templating"]["list"]} == {"datasource"} | (
        used - {"__rate_interval"}
    )


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_lie_side_by_side_and_not_on_each_other(board: Board) -> None:
    places = [panel["gridPos"] for panel in json.loads(dashboard_json(board))["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
