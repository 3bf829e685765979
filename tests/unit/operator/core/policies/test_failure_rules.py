"""Rules decide by exit code and reason which failures fail the job, count or are ignored."""

from typing import Any

import pytest

from llmtrain_api.job_status import Failure
from llmtrain_api.recovery import FailureRule
from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.failure_rules import apply_rules, failed_by_rule, matching_rule
from unit.operator.builders import DATASET, ago, conditions, failed_pod, job, pod, snapshot, started

BAD_INPUT = TerminationMessage(reason="BadInput", message="no text files")


def rules(*items: dict[str, Any]) -> tuple[FailureRule, ...]:
    return tuple(FailureRule.model_validate(item) for item in items)


def failure(**fields: Any) -> Failure:
    return Failure(pod="j-worker-0", uid="u", time=ago(0), **fields)


def plan(*items: dict[str, Any], pods: tuple[PodView, ...], max_failures: int = 0) -> Plan:
    """Return the plan of a training job with these rules, that tolerates `max_failures`."""
    recovery = {"maxFailures": max_failures, "rules": list(items)}
    return plan_job(snapshot(job(started(dataset=DATASET, stage="Training"), recovery=recovery), pods=pods))


@pytest.mark.parametrize(
    ("rule", "exit_code", "reason", "expected"),
    [
        pytest.param({"exitCodes": [3, 42]}, 42, "Crashed", True, id="an exit code"),
        pytest.param({"exitCodes": [3]}, 42, "Crashed", False, id="another exit code"),
        pytest.param({"exitCodes": [137]}, -9, "Crashed", True, id="a signal"),
        pytest.param({"exitCodes": [137]}, None, "NodeLost", False, id="no exit code"),
        pytest.param({"reasons": ["OOMKilled"]}, 137, "OOMKilled", True, id="a reason"),
        pytest.param({"reasons": ["OOMKilled"]}, 137, "Error", False, id="another reason"),
        pytest.param({"exitCodes": [3], "reasons": ["Evicted"]}, 1, "Evicted", True, id="either of both"),
    ],
)
def test_a_rule_matches_exit_codes_and_reasons(
    rule: dict[str, Any], exit_code: int | None, reason: str, expected: bool
) -> None:
    (found,) = rules({**rule, "action": "Fail"})
    assert found.matches(exit_code, reason) is expected


def test_the_first_rule_that_matches_decides() -> None:
    found = rules({"exitCodes": [3], "action": "Ignore"}, {"reasons": ["Crashed"], "action": "Fail"})
    assert matching_rule(found, failure(exit_code=3, reason="Crashed")) == found[0]
    assert matching_rule(found, failure(exit_code=4, reason="Crashed")) == found[1]
    assert matching_rule(found, failure(exit_code=4, reason="Error")) is None


def test_failures_get_the_action_of_their_rule() -> None:
    found = apply_rules(rules({"exitCodes": [3], "action": "Ignore"}), (failure(exit_code=3), failure(exit_code=4)))
    assert [each.action for each in found] == ["Ignore", ""]


def test_a_rule_fails_the_job_at_once() -> None:
    assert failed_by_rule((failure(action="Count"),)) is None
    found = plan({"exitCodes": [3], "action": "Fail"}, pods=(failed_pod("j-worker-0", 3),), max_failures=10)
    failed = conditions(found.status)["Failed"]
    assert (failed.status, failed.reason) == ("True", "FailureRule")
    assert failed.message.startswith("spec.recovery.rules fails the job: pod j-worker-0 on node-1 ended with")
    assert "exit code 3" in failed.message


def test_an_ignored_failure_is_recorded_and_spends_no_budget() -> None:
    found = plan({"exitCodes": [3], "action": "Ignore"}, pods=(failed_pod("j-worker-0", 3), pod("j-worker-1")))
    assert found.status is not None
    assert "Failed" not in conditions(found.status)
    recoveries = found.status.recoveries
    assert (recoveries.count, recoveries.times, [each.action for each in recoveries.recent]) == (0, [], ["Ignore"])
    assert found.status.first_failure is None
    (event,) = [event for event in found.events if event.reason == "WorkerFailed"]
    assert event.message.endswith("spec.recovery.rules ignores it")


def test_an_ignored_failure_still_delays_the_next_try() -> None:
    old = [failure(exit_code=3, reason="Crashed", action="Ignore") for _ in range(5)]
    status = started(dataset=DATASET, stage="Training", recoveries={"recent": [each.document() for each in old]})
    recovery = {"rules": [{"exitCodes": [3], "action": "Ignore"}]}
    found = plan_job(
        snapshot(job(status, recovery=recovery), pods=(pod("j-worker-1"), pod("j-coordinator", "coordinator")))
    )
    assert "j-worker-0" not in [manifest["metadata"]["name"] for manifest in found.apply]
    assert conditions(found.status)["Scheduled"].reason == "BackOff"


def test_count_retries_what_would_fail_the_job_at_once() -> None:
    pods = (failed_pod("j-worker-0", 2, BAD_INPUT), pod("j-worker-1"))
    assert conditions(plan(pods=pods, max_failures=9).status)["Failed"].reason == "BadInput"
    found = plan({"exitCodes": [2], "action": "Count"}, pods=pods, max_failures=9)
    assert found.status is not None
    assert "Failed" not in conditions(found.status)
    assert found.status.recoveries.count == 1


def test_count_makes_a_disruption_spend_the_budget() -> None:
    drained = failed_pod("j-worker-0", 137, disruption="EvictionByEvictionAPI")
    assert "Failed" not in conditions(plan(pods=(drained,)).status)
    found = plan({"reasons": ["EvictionByEvictionAPI"], "action": "Count"}, pods=(drained,))
    assert conditions(found.status)["Failed"].reason == "TooManyFailures"
