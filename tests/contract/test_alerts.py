"""Every recording rule and alert speaks when it should and is silent when it should, by promtool."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import alert_cases, hardware_alert_cases
from contract.histories import History
from contract.recording_cases import RECORDINGS as RECORDING_CASES
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.generate.rule_file import rule_groups
from llmtrain_kind.prometheus import make_prometheus

ALERT_CASES = {**alert_cases.ALERTS, **hardware_alert_cases.ALERTS}
SEVERITIES = {alert.name: alert.severity for alert in ALERTS}
LASTING = {alert.name: alert.for_duration for alert in ALERTS}
Test = dict[str, Any]
"""One of promtool's tests."""


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rule_groups("https://example.test/alerts.md")}))
    return path


def promtool(*words: str) -> None:
    """Run promtool; AssertionError with its words if it finds fault."""
    done = subprocess.run([make_prometheus() / "promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def asked(sentence: str, series: History, minute: int, expression: str, expected: list[dict[str, Any]]) -> Test:
    """Return a test that asks once."""
    question = {"expr": expression, "eval_time": f"{minute}m", "exp_samples": expected}
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return {"name": sentence, "interval": "1m", "input_series": inputs, "promql_expr_test": [question]}


def written(labels: dict[str, str], name: str) -> str:
    return name + "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def alert_tests(name: str) -> list[Test]:
    """Return a test for each history of an alert."""
    case = ALERT_CASES[name]
    labels = {"alertname": name, "alertstate": "firing", "severity": SEVERITIES[name], **case.labels}
    fires = [{"labels": written(labels, "ALERTS"), "value": 1}]
    expression = f'ALERTS{{alertname="{name}", alertstate="firing"}}'
    return [
        asked(f"{'fires' if expected else 'is silent'}: {sentence}", series, case.minute, expression, expected)
        for histories, expected in ((case.speaks, fires), (case.silent, []))
        for sentence, series in histories.items()
    ]


def recording_tests(name: str) -> list[Test]:
    """Return a test for each history of a recording rule."""
    case = RECORDING_CASES[name]
    speaks = [
        asked(sentence, series, case.minute, name, [{"labels": written(case.labels, name), "value": value}])
        for sentence, (series, value) in case.computes.items()
    ]
    return speaks + [asked(sentence, series, case.minute, name, []) for sentence, series in case.silent.items()]


def check(rule_file: Path, *tests: Test) -> None:
    path = rule_file.parent / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": [*tests]}))
    promtool("test", "rules", str(path))


def test_each_rule_has_both_histories() -> None:
    assert ALERT_CASES.keys() == {alert.name for alert in ALERTS}
    assert RECORDING_CASES.keys() == {rule.record for rule in RECORDINGS}
    for name, case in ALERT_CASES.items():
        assert case.speaks, name
        assert len(case.silent) > (0 if LASTING[name] == "0m" else 1), name
        assert all(case.silent.values()), f"{name} is silent where something is told"


@pytest.mark.promtool
def test_the_rules_are_well_formed(rule_file: Path) -> None:
    promtool("check", "rules", str(rule_file))


@pytest.mark.promtool
@pytest.mark.parametrize("name", ALERT_CASES)
def test_an_alert_fires_when_it_should_and_only_then(name: str, rule_file: Path) -> None:
    check(rule_file, *alert_tests(name))


@pytest.mark.promtool
@pytest.mark.parametrize("name", RECORDING_CASES)
def test_a_recording_rule_computes(name: str, rule_file: Path) -> None:
    check(rule_file, *recording_tests(name))
