"""Failure policy: a pod that failed, or was lost with its node, is recorded once and then replaced.

The status is written before the pod is deleted, so that its evidence is kept. A job fails when its failure budget
(`spec.recovery`) is exceeded, or at once when a failure is permanent.
"""

from collections.abc import Iterable
from datetime import datetime

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job import Recovery
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.termination import ExitCode
from llmtrain_api.timestamps import format_rfc3339, parse_rfc3339
from llmtrain_operator.core.pod_view import PodView

MAX_RECENT = 32
"""Failures that `status.recoveries.recent` keeps."""
MAX_TIMES = 1001
"""Times that `status.recoveries.times` keeps; the largest budget is one less."""
MAX_LOG_LINES = 10
"""Log lines that the status keeps of the first failure."""


def is_lost(pod: PodView, lost_nodes: frozenset[str]) -> bool:
    """Return whether a pod is on a lost node: its kubelet can neither stop it nor report its end."""
    return pod.node in lost_nodes and not pod.finished


def has_failed(pod: PodView, lost_nodes: frozenset[str]) -> bool:
    """Return whether a pod must be replaced, and is not being replaced already."""
    return is_lost(pod, lost_nodes) or (pod.phase == "Failed" and not pod.deleting)


def new_failed_pods(status: JobStatus, pods: Iterable[PodView], lost_nodes: frozenset[str]) -> tuple[PodView, ...]:
    """Return the failed pods that the status does not record yet, at most as many as it can hold."""
    uids = recorded_uids(status)
    new = (pod for pod in pods if has_failed(pod, lost_nodes) and pod.uid not in uids)
    return tuple(sorted(new, key=lambda pod: pod.name))[:MAX_RECENT]


def recorded_failed_pods(status: JobStatus, pods: Iterable[PodView], lost_nodes: frozenset[str]) -> tuple[PodView, ...]:
    """Return the failed pods that the status records: their evidence is safe, so they can be deleted."""
    uids = recorded_uids(status)
    return tuple(pod for pod in pods if has_failed(pod, lost_nodes) and pod.uid in uids)


def recorded_uids(status: JobStatus) -> frozenset[str]:
    """Return the uids of the failures that a status records."""
    return frozenset(failure.uid for failure in status.recoveries.recent)


def failure_of(pod: PodView, lost_nodes: frozenset[str], now: datetime) -> Failure:
    """Return the record of a failed pod."""
    outcome = pod.outcome
    if is_lost(pod, lost_nodes):
        reason, last_lines = "NodeLost", list[str]()
        message = f"node {pod.node} is not ready or no longer exists; the pod is replaced on another node"
    elif outcome is not None:
        reason = pod.end_reason if pod.end_reason in ("OOMKilled", "Evicted") else outcome.reason
        message, last_lines = outcome.message, outcome.last_lines
    else:
        reason = pod.end_reason or "Lost"
        message, last_lines = (
            "the pod ended without a termination message; see its last lines",
            pod.end_message.splitlines(),
        )
    if reason == "OOMKilled":
        message = "the container exceeded its memory limit; raise spec.workers.resources.memory"
    return Failure(
        pod=pod.name,
        uid=pod.uid,
        node=pod.node,
        time=format_rfc3339(now),
        exit_code=pod.exit_code if outcome is None or outcome.exit_code is None else outcome.exit_code,
        reason=reason[:64],
        message=message[:1024],
        last_lines=[line[:1000] for line in last_lines[-MAX_LOG_LINES:]],
    )


def failure_budget(recovery: Recovery) -> FailureBudget:
    """Return the failure budget of a job's spec."""
    return FailureBudget(max_failures=recovery.max_failures, window_seconds=recovery.window_seconds)


def record_failures(
    status: JobStatus, failures: tuple[Failure, ...], budget: FailureBudget, now: datetime
) -> JobStatus:
    """Return `status` with `failures` counted; failures outside the window of `budget` no longer count."""
    if not failures:
        return status
    before = status.recoveries
    in_window = [time for time in before.times if budget.in_window((now - parse_rfc3339(time)).total_seconds())]
    without_logs = [failure.model_copy(update={"last_lines": []}) for failure in failures]
    recoveries = before.model_copy(
        update={
            "count": before.count + len(failures),
            "recent": [*before.recent, *without_logs][-MAX_RECENT:],
            "times": [*in_window, *[format_rfc3339(now)] * len(failures)][-MAX_TIMES:],
        }
    )
    return status.model_copy(update={"recoveries": recoveries, "first_failure": status.first_failure or failures[0]})


def permanent_failure(failures: tuple[Failure, ...]) -> Failure | None:
    """Return the first failure that a retry would repeat: the trainer rejected its input.

    A user's program can end with the same exit code; its failures are "Crashed", and are retried.
    """
    bad_input = (failure for failure in failures if failure.exit_code == ExitCode.BAD_INPUT)
    return next((failure for failure in bad_input if failure.reason != "Crashed"), None)
