"""Failed pods: what the status keeps of each pod name, so that nothing is forgotten when many pods fail.

`status.recoveries.recent` shows the newest failures and is short. How often a pod has failed in a row, and whether the
end of the present one is recorded, must not depend on how many others fail: there is one entry for each name.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import FailedPod, Failure, Recoveries
from llmtrain_api.timestamps import try_parse_rfc3339
from llmtrain_operator.core.policies.incidents import NODE_LOST, PROCESS_DIED

MAX_FAILED_PODS = 520
"""Entries that the status keeps; a job has fewer names of pods."""


def failed_pod_entries(recoveries: Recoveries, budget: FailureBudget) -> dict[str, FailedPod]:
    """Return the entries by pod name. Older versions wrote none: then they follow from the newest failures."""
    entries = {entry.pod: entry for entry in recoveries.pods}
    older = [failure for failure in recoveries.recent if failure.pod not in entries]
    return with_failures(entries, older, budget)


def with_failures(
    entries: Mapping[str, FailedPod], failures: Iterable[Failure], budget: FailureBudget
) -> dict[str, FailedPod]:
    """Return the entries with failures added, oldest first. The death of a process does not end its pod."""
    found = dict(entries)
    for failure in failures:
        if failure.reason != PROCESS_DIED:
            known = found.get(failure.pod) or FailedPod(pod=failure.pod, uid=failure.uid)
            found[failure.pod] = known.model_copy(update={"uid": failure.uid, **changes(known, failure, budget)})
    return found


def changes(entry: FailedPod, failure: Failure, budget: FailureBudget) -> dict[str, object]:
    """Return the fields of an entry that a failure changes. A pod that was lost with its node has not failed itself."""
    time = try_parse_rfc3339(failure.time)
    if failure.disruption:
        return {"disruption_time": failure.time}
    if failure.reason == NODE_LOST or time is None:
        return {}
    last = try_parse_rfc3339(entry.time)
    in_row = last is not None and budget.in_window((time - last).total_seconds())
    return {"failures": entry.failures + 1 if in_row else 1, "time": failure.time, "reason": failure.reason}


def kept_failed_pods(
    entries: Iterable[FailedPod], existing: Collection[str], budget: FailureBudget, now: datetime
) -> list[FailedPod]:
    """Return the entries that still matter, by name: those of pods in `existing`, by uid, and of the window."""

    def is_recent(entry: FailedPod) -> bool:
        times = (try_parse_rfc3339(time) for time in (entry.time, entry.disruption_time))
        return any(time is not None and budget.in_window((now - time).total_seconds()) for time in times)

    kept = [entry for entry in entries if entry.uid in existing or is_recent(entry)]
    first = sorted(kept, key=lambda entry: entry.uid not in existing)[:MAX_FAILED_PODS]
    return sorted(first, key=lambda entry: entry.pod)


def was_disrupted(entry: FailedPod | None, death: datetime, within: timedelta) -> bool:
    """Return whether a pod was disrupted around the death of a process of it, which follows from that."""
    disrupted = try_parse_rfc3339(entry.disruption_time) if entry else None
    return disrupted is not None and abs(death - disrupted) <= within
