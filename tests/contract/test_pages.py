"""Generated reference pages are up to date, and rules use only metrics of the catalogue."""

import json
import re
import runpy
import subprocess
from pathlib import Path

import pytest

from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.environment import SECTIONS
from llmtrain_api.generate.reference_docs import PAGES, series_of_job, series_of_node, series_of_rules, without_dcgm
from llmtrain_api.metrics.catalogue import CATALOGUE

REPOSITORY = Path(__file__).parents[2]
REFERENCE = REPOSITORY / "docs" / "reference"
SOURCES = (
    "operator/src",
    "trainer/src",
    "images/src",
    "charts/llmtrain/templates",
    "requirements/venv.sh",
    "tests/contract/golden.py",
)
RULES = {**{alert.name: alert.expr for alert in ALERTS}, **{rule.record: rule.expr for rule in RECORDINGS}}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_contract_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `make render`"


@pytest.mark.parametrize("name", ["cli.md", "values.md"])
def test_a_page_of_the_command_line_and_the_chart_is_up_to_date(name: str) -> None:
    pages = runpy.run_path(str(REPOSITORY / "docs" / "render.py"))["PAGES"]
    assert (REFERENCE / name).read_text() == pages[name](), "run `make render`"


def test_every_variable_of_the_source_is_declared_and_used() -> None:
    listed = subprocess.run(
        ["git", "grep", "-hoE", r"\bLLMTRAIN_[A-Z_]+\b", "--", *SOURCES],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    used = {name for name in listed.split() if not name.endswith("_")}
    declared = {variable.name for _, variables in SECTIONS.values() for variable in variables}
    assert used - declared == set(), "declare them in llmtrain_api/environment.py"
    assert {name for name in declared if name.startswith("LLMTRAIN_")} - used == set(), "nothing uses them any more"


def test_every_chart_value_is_on_its_page() -> None:
    page = (REFERENCE / "values.md").read_text()
    schema = json.loads((REPOSITORY / "charts" / "llmtrain" / "values.schema.json").read_text())
    assert [name for name in schema["properties"] if name != "global" and f"`{name}" not in page] == []


@pytest.mark.parametrize("name", RULES)
def test_a_rule_uses_only_metrics_of_the_catalogue(name: str) -> None:
    known = {metric.name for metric in CATALOGUE} | {rule.record for rule in RECORDINGS}
    used = set(re.findall(r"(?:\w+:)?llmtrain_\w+(?::\w+)?", RULES[name]))
    assert used
    assert used <= known


def test_each_rank_adds_one_series_to_a_job() -> None:
    assert series_of_job(9) - series_of_job(8) == 1


def test_each_device_and_port_adds_series_to_a_node() -> None:
    assert 0 < series_of_node("device") < series_of_node("port") < series_of_node()


def test_recording_rules_of_jobs_and_pods_are_counted() -> None:
    levels = [rule.record.partition(":")[0] for rule in RECORDINGS]
    by_direction = 1
    assert series_of_rules("training_job") == levels.count("training_job") + by_direction
    assert series_of_rules("pod") == levels.count("pod")


def test_metrics_without_an_equivalent_in_dcgm_are_listed() -> None:
    assert "llmtrain_gpu_lost" in without_dcgm()
    assert "LlmtrainGpuLost and LlmtrainGpuThrottled cannot fire" in without_dcgm()
