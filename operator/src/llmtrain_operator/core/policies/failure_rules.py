"""Failure rules: `spec.recovery.rules` decides by exit code and reason which failures fail the job, count or are ignored."""

from collections.abc import Iterable

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import Failure
from llmtrain_api.recovery import FailureRule


def apply_rules(rules: Iterable[FailureRule], failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Return the failures with the action of the first rule that matches each."""
    rules = tuple(rules)
    return tuple(
        failure
        if (rule := matching_rule(rules, failure)) is None
        else failure.model_copy(update={"action": rule.action})
        for failure in failures
    )


def matching_rule(rules: Iterable[FailureRule], failure: Failure) -> FailureRule | None:
    """Return the first rule that matches a failure; None if none does."""
    return next((rule for rule in rules if rule.matches(failure.exit_code, failure.reason)), None)


def failed_by_rule(failures: Iterable[Failure]) -> tuple[Reason, str] | None:
    """Return why the new failures fail the job because of a rule, with a message; None if they do not."""
    failure = next((failure for failure in failures if failure.action == "Fail"), None)
    if failure is None:
        return None
    exit_code = "" if failure.exit_code is None else f" and exit code {failure.exit_code}"
    return Reason.FAILURE_RULE, (
        f"spec.recovery.rules fails the job: pod {failure.pod} on {failure.node or 'no node'} ended with {failure.reason}"
        f"{exit_code}: {failure.message}; correct the cause, or change the rule, and create the job again"
    )
