"""Pages made from the contract are fresh, and rules name only metrics that are there."""

import re
from pathlib import Path

import pytest

from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.generate.reference_docs import PAGES, series_of_job, series_of_node, series_of_rules, without_dcgm
from llmtrain_api.metrics.catalogue import CATALOGUE

DOCS = Path(__file__).parents[2] / "docs" / "reference"
RULES = {**{alert.name: alert.expr for alert in ALERTS}, **{rule.record: rule.expr for rule in RECORDINGS}}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fresh(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `make render`"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_only_what_is_there(name: str) -> None:
    known = {metric.name for metric in CATALOGUE} | {rule.record for rule in RECORDINGS}
    used = set(re.findall(r"(?:\w+:)?llmtrain_\w+(?::\w+)?", RULES[name]))
    assert used
    assert used <= known


def test_a_job_costs_one_series_more_for_each_rank() -> None:
    assert series_of_job(9) - series_of_job(8) == 1


def test_a_node_costs_more_with_each_device_and_port() -> None:
    assert 0 < series_of_node("device") < series_of_node("port") < series_of_node()


def test_each_recording_rule_of_a_job_and_of_a_pod_is_in_the_costs() -> None:
    levels = [rule.record.partition(":")[0] for rule in RECORDINGS]
    by_direction = 1
    assert series_of_rules("training_job") == levels.count("training_job") + by_direction
    assert series_of_rules("pod") == levels.count("pod")


def test_what_dcgm_does_not_tell_is_said() -> None:
    assert "llmtrain_gpu_lost" in without_dcgm()
    assert "LlmtrainGpuLost and LlmtrainGpuThrottled can't fire" in without_dcgm()
