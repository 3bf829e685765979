"""Alerts fire and recording rules compute exactly when they should, according to promtool."""

from pathlib import Path

import pytest

from contract import alert_cases, hardware_alert_cases
from contract.promtool import Test, check, promql_test, promtool, series_name
from contract.recording_cases import RECORDINGS as RECORDING_CASES
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS

ALERT_CASES = {**alert_cases.ALERTS, **hardware_alert_cases.ALERTS}
SEVERITIES = {alert.name: alert.severity for alert in ALERTS}
FOR_DURATION = {alert.name: alert.for_duration for alert in ALERTS}


def alert_tests(name: str) -> list[Test]:
    """Return one test for each history of an alert."""
    case = ALERT_CASES[name]
    labels = {"alertname": name, "alertstate": "firing", "severity": SEVERITIES[name], **case.labels}
    firing = [{"labels": series_name(labels, "ALERTS"), "value": 1}]
    expression = f'ALERTS{{alertname="{name}", alertstate="firing"}}'
    return [
        promql_test(f"{'fires' if expected else 'is silent'}: {sentence}", series, case.minute, expression, expected)
        for histories, expected in ((case.fires, firing), (case.silent, []))
        for sentence, series in histories.items()
    ]


def recording_tests(name: str) -> list[Test]:
    """Return one test for each history of a recording rule."""
    case = RECORDING_CASES[name]
    computes = [
        promql_test(sentence, series, case.minute, name, [{"labels": series_name(case.labels, name), "value": value}])
        for sentence, (series, value) in case.computes.items()
    ]
    return computes + [promql_test(sentence, series, case.minute, name, []) for sentence, series in case.silent.items()]


def test_each_rule_has_both_histories() -> None:
    assert ALERT_CASES.keys() == {alert.name for alert in ALERTS}
    assert RECORDING_CASES.keys() == {rule.record for rule in RECORDINGS}
    for name, case in ALERT_CASES.items():
        assert case.fires, name
        assert len(case.silent) > (0 if FOR_DURATION[name] == "0m" else 1), name
        assert all(case.silent.values()), f"{name} stays silent with at least one series"


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
