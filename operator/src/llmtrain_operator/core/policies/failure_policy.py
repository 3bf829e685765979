"""Pods that ended badly, or were lost with their node: each is recorded once, then replaced, until the budget is spent."""

from datetime import datetime, timedelta

from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_api.termination import ExitCode
from llmtrain_api.timestamps import format_rfc3339, parse_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import JobSnapshot

MOST_RECENT = 32
LAST_LINES = 10


def is_lost(observed: JobSnapshot, pod: PodView) -> bool:
    """Return whether a pod is on a node that is not ready: its kubelet can't stop it, nor say that it ended."""
    return pod.node in observed.lost_nodes and pod.phase not in ("Succeeded", "Failed")


def new_failed_pods(observed: JobSnapshot) -> tuple[PodView, ...]:
    """Return the pods that failed and are not in the status yet, as many as it can take at once."""
    known = {failure.uid for failure in observed.job.status.recoveries.recent}
    new = (pod for pod in observed.pods if has_failed(observed, pod) and pod.uid not in known)
    return tuple(sorted(new, key=lambda pod: pod.name))[:MOST_RECENT]


def recorded_failed_pods(observed: JobSnapshot) -> tuple[PodView, ...]:
    """Return the failed pods that are in the status: their evidence is safe, they can be replaced."""
    known = {failure.uid for failure in observed.job.status.recoveries.recent}
    return tuple(pod for pod in observed.pods if has_failed(observed, pod) and pod.uid in known)


def has_failed(observed: JobSnapshot, pod: PodView) -> bool:
    """Return whether a pod must be replaced, and is not being already."""
    return is_lost(observed, pod) or (pod.phase == "Failed" and not pod.deleting)


def failure_of(observed: JobSnapshot, pod: PodView) -> Failure:
    """Return what is known of a pod's end."""
    outcome = pod.outcome
    if is_lost(observed, pod):
        reason, lines = "NodeLost", list[str]()
        message = f"node {pod.node} is not ready, or gone; its pod is replaced on another node"
    elif outcome is not None:
        reason = pod.end_reason if pod.end_reason in ("OOMKilled", "Evicted") else outcome.reason
        message, lines = outcome.message, outcome.last_lines
    else:
        reason, message = pod.end_reason or "Lost", "the pod ended without a word; see its last lines"
        lines = pod.end_message.splitlines()
    if reason == "OOMKilled":
        message = "the container used more memory than it may; raise spec.workers.resources.memory"
    return Failure(
        pod=pod.name,
        uid=pod.uid,
        node=pod.node,
        time=format_rfc3339(observed.now),
        exit_code=pod.exit_code if outcome is None or outcome.exit_code is None else outcome.exit_code,
        reason=reason[:64],
        message=message[:1024],
        last_lines=[line[:1000] for line in lines[-LAST_LINES:]],
    )


def record(status: JobStatus, failures: tuple[Failure, ...], window: timedelta, now: datetime) -> JobStatus:
    """Return `status` with `failures` counted; times outside the window are forgotten."""
    if not failures:
        return status
    slim = [failure.model_copy(update={"last_lines": []}) for failure in failures]
    times = [time for time in status.recoveries.times if now - parse_rfc3339(time) < window] + [
        format_rfc3339(now)
    ] * len(failures)
    recoveries = status.recoveries.model_copy(
        update={
            "count": status.recoveries.count + len(failures),
            "recent": [*status.recoveries.recent, *slim][-MOST_RECENT:],
            "times": times[-1001:],
        }
    )
    return status.model_copy(update={"recoveries": recoveries, "first_failure": status.first_failure or failures[0]})


def permanent_failure(failures: tuple[Failure, ...]) -> Failure | None:
    """Return the failure that would only happen again, if there is one. A user's program may use the same number."""
    bad_input = (failure for failure in failures if failure.exit_code == ExitCode.BAD_INPUT)
    return next((failure for failure in bad_input if failure.reason != "Crashed"), None)
