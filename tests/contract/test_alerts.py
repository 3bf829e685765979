"""Every recording rule and alert speaks when it should and is silent when it should, by promtool."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import alert_cases, hardware_cases
from contract.alert_cases import Case
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.alerting.rendered import rule_groups
from llmtrain_kind.prometheus import make_prometheus

ALERT_CASES = {**alert_cases.ALERTS, **hardware_cases.ALERTS}
RECORDING_CASES = {**alert_cases.RECORDINGS, **hardware_cases.RECORDINGS}
SEVERITIES = {alert.name: alert.severity for alert in ALERTS}


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rule_groups("https://example.test/alerts.md")}))
    return path


def promtool(*words: str) -> None:
    """Run promtool; AssertionError with its words if it finds fault."""
    done = subprocess.run([make_prometheus() / "promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def history(case: Case, series: dict[str, str], expression: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one test of promtool."""
    question = {"expr": expression, "eval_time": f"{case.minute}m", "exp_samples": expected}
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return {"interval": "1m", "input_series": inputs, "promql_expr_test": [question]}


def written(labels: dict[str, str], name: str) -> str:
    return name + "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def check(rule_file: Path, test: dict[str, Any]) -> None:
    path = rule_file.parent / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(path))


def test_each_rule_has_both_histories() -> None:
    assert ALERT_CASES.keys() == {alert.name for alert in ALERTS}
    assert RECORDING_CASES.keys() == {rule.record for rule in RECORDINGS}


@pytest.mark.promtool
def test_the_rules_are_well_formed(rule_file: Path) -> None:
    promtool("check", "rules", str(rule_file))


@pytest.mark.promtool
@pytest.mark.parametrize("name", ALERT_CASES)
def test_an_alert_fires(name: str, rule_file: Path) -> None:
    case = ALERT_CASES[name]
    labels = {"alertname": name, "alertstate": "firing", "severity": SEVERITIES[name], **case.labels}
    expected = [{"labels": written(labels, "ALERTS"), "value": 1}]
    check(rule_file, history(case, case.speaks, f'ALERTS{{alertname="{name}", alertstate="firing"}}', expected))


@pytest.mark.promtool
@pytest.mark.parametrize("name", ALERT_CASES)
def test_an_alert_is_silent(name: str, rule_file: Path) -> None:
    case = ALERT_CASES[name]
    check(rule_file, history(case, case.silent, f'ALERTS{{alertname="{name}", alertstate="firing"}}', []))


@pytest.mark.promtool
@pytest.mark.parametrize("name", RECORDING_CASES)
def test_a_recording_rule_computes(name: str, rule_file: Path) -> None:
    case = RECORDING_CASES[name]
    expected = [{"labels": written(case.labels, name), "value": case.value}]
    check(rule_file, history(case, case.speaks, name, expected))


@pytest.mark.promtool
@pytest.mark.parametrize("name", RECORDING_CASES)
def test_a_recording_rule_makes_nothing_of_nothing(name: str, rule_file: Path) -> None:
    case = RECORDING_CASES[name]
    check(rule_file, history(case, case.silent, name, []))
