"""Every recording rule and alert speaks when it should and is silent when it should, by promtool."""

from pathlib import Path

import pytest

from contract import alert_cases, hardware_alert_cases
from contract.promtool import Test, asked, check, promtool, written
from contract.recording_cases import RECORDINGS as RECORDING_CASES
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS

ALERT_CASES = {**alert_cases.ALERTS, **hardware_alert_cases.ALERTS}
SEVERITIES = {alert.name: alert.severity for alert in ALERTS}
LASTING = {alert.name: alert.for_duration for alert in ALERTS}


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
