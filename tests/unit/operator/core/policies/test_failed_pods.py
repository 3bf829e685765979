"""What is known of each pod name does not depend on how many others fail."""

from datetime import timedelta
from typing import Any

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import FailedPod, Failure, Recoveries
from llmtrain_operator.core.policies.failed_pods import (
    MAX_FAILED_PODS,
    failed_pod_entries,
    kept_failed_pods,
    was_disrupted,
    with_failures,
)
from unit.operator.builders import NOW, ago

HOUR = FailureBudget(max_failures=10, window_seconds=3600)


def failure(seconds: float = 0, name: str = "j-worker-1", **fields: Any) -> Failure:
    """Return a failure `seconds` before NOW."""
    return Failure(**{"pod": name, "uid": f"uid-{seconds}", "time": ago(seconds), "reason": "Crashed", **fields})


def entry(*failures: Failure) -> FailedPod:
    (found,) = with_failures({}, failures, HOUR).values()
    return found


def test_failures_in_a_row_are_counted_and_the_last_one_is_kept() -> None:
    found = entry(failure(5000), failure(2000), failure(10, reason="OOMKilled"))
    assert (found.uid, found.failures, found.time, found.reason) == ("uid-10", 3, ago(10), "OOMKilled")


def test_a_failure_after_a_long_time_is_the_first_of_a_row() -> None:
    assert entry(failure(8000), failure(7000), failure(0)).failures == 1


def test_what_is_not_the_pods_own_fault_is_recorded_and_not_counted() -> None:
    own = failure(60)
    others = (failure(30, reason="NodeLost"), failure(20, disruption=True, reason="PodDeleted"))
    found = entry(own, *others, failure(10, reason="ProcessDied"))
    assert (found.uid, found.failures, found.time, found.disruption_time) == ("uid-20", 1, ago(60), ago(20))


def test_the_status_of_an_older_version_has_only_its_newest_failures() -> None:
    stored = FailedPod(pod="j-worker-0", uid="a", failures=7, time=ago(5))
    recent = [failure(90), failure(5, "j-worker-0"), failure(1)]
    found = failed_pod_entries(Recoveries(recent=recent, pods=[stored]), HOUR)
    assert {name: each.failures for name, each in found.items()} == {"j-worker-0": 7, "j-worker-1": 2}


def test_entries_are_kept_while_the_pod_exists_or_the_window_lasts_and_never_too_many() -> None:
    old = entry(failure(5000))
    assert kept_failed_pods([old], (), HOUR, NOW) == []
    assert kept_failed_pods([old], {"uid-5000"}, HOUR, NOW) == [old]
    many = [entry(failure(1, f"other-{number}", uid=str(number))) for number in range(MAX_FAILED_PODS)]
    kept = kept_failed_pods([*many, old], {"uid-5000"}, HOUR, NOW)
    assert (len(kept), old in kept) == (MAX_FAILED_PODS, True)


def test_a_process_dies_of_the_disruption_of_its_pod() -> None:
    drained = entry(failure(50, disruption=True))
    minute = timedelta(seconds=60)
    assert was_disrupted(drained, NOW, minute)
    assert not was_disrupted(drained, NOW + minute, minute)
    assert not was_disrupted(entry(failure(50)), NOW, minute)
    assert not was_disrupted(None, NOW, minute)
