"""Failure policy: a pod that failed, or was lost with its node, is recorded once and then replaced.

The status is written before the pod is deleted, so that its evidence is kept. A job fails when its failure budget
(`spec.recovery`), which counts incidents, is exceeded, or at once when a failure is permanent.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import FailedPod, Failure, JobStatus
from llmtrain_api.recovery import Recovery
from llmtrain_api.termination import ExitCode
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.policies.coordinator_loss import COORDINATOR_LOST, MAX_REPLACEMENTS
from llmtrain_operator.core.policies.disruptions import disruption_of, is_disrupted
from llmtrain_operator.core.policies.failed_pods import (
    failed_pod_entries,
    kept_failed_pods,
    was_disrupted,
    with_failures,
)
from llmtrain_operator.core.policies.incidents import (
    CONSEQUENCE,
    NODE_LOST,
    PROCESS_DIED,
    instant_of,
    is_consequence,
    with_incidents,
)

MAX_RECENT = 32
"""Failures that `status.recoveries.recent` keeps."""
MAX_LOG_LINES = 10
"""Log lines that the status keeps of the first failure."""


def is_lost(pod: PodView, lost_nodes: frozenset[str]) -> bool:
    """Return whether a pod is on a lost node: its kubelet can neither stop it nor report its end."""
    return pod.node in lost_nodes and not pod.finished


def has_failed(pod: PodView, lost_nodes: frozenset[str]) -> bool:
    """Return whether a pod must be replaced, and is not being replaced already."""
    return is_lost(pod, lost_nodes) or (pod.phase == "Failed" and not pod.deleting)


def must_be_recorded(pod: PodView, lost_nodes: frozenset[str]) -> bool:
    """Return whether the status must record what happened to a pod: it failed, or it is being removed by others."""
    return has_failed(pod, lost_nodes) or is_disrupted(pod)


def new_failed_pods(status: JobStatus, pods: Iterable[PodView], lost_nodes: frozenset[str]) -> tuple[PodView, ...]:
    """Return the failed and disrupted pods that the status does not record yet, by name."""
    uids = recorded_uids(status)
    new = (pod for pod in pods if must_be_recorded(pod, lost_nodes) and pod.uid not in uids)
    return tuple(sorted(new, key=lambda pod: pod.name))


def recorded_failed_pods(status: JobStatus, pods: Iterable[PodView], lost_nodes: frozenset[str]) -> tuple[PodView, ...]:
    """Return the failed pods that the status records: their evidence is safe, so they can be deleted."""
    uids = recorded_uids(status)
    return tuple(pod for pod in pods if has_failed(pod, lost_nodes) and pod.uid in uids)


def recorded_uids(status: JobStatus) -> frozenset[str]:
    """Return the uids of the failures that a status records."""
    recoveries = status.recoveries
    return frozenset((*(entry.uid for entry in recoveries.pods), *(failure.uid for failure in recoveries.recent)))


def failure_of(
    pod: PodView, lost_nodes: frozenset[str], now: datetime, *, term: int = 0, generation: int = 0
) -> Failure:
    """Return the record of a failed or disrupted pod, in the term and membership generation it was observed in."""
    if is_disrupted(pod):
        return disruption_of(pod, now, term=term, generation=generation)
    outcome = pod.outcome
    if is_lost(pod, lost_nodes):
        reason, last_lines = NODE_LOST, list[str]()
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
        message = out_of_memory(pod)
    if reason == "Evicted":
        message = evicted(pod)
    return Failure(
        pod=pod.name,
        uid=pod.uid,
        node=pod.node,
        time=format_rfc3339(now),
        term=term,
        membership_generation=generation,
        exit_code=pod.exit_code if outcome is None or outcome.exit_code is None else outcome.exit_code,
        reason=reason[:64],
        program_error=outcome is not None and bool(outcome.before_first_step),
        message=message[:1024],
        last_lines=[line[:1000] for line in last_lines[-MAX_LOG_LINES:]],
    )


def out_of_memory(pod: PodView) -> str:
    """Return what a container exceeded and in which stage, with the remedy."""
    limit = f" of {pod.memory_limit}" if pod.memory_limit else ""
    remedy = (
        "the operator sets this limit: lower spec.workers.replicas, and report the numbers of workers and GPUs"
        if pod.role == "coordinator"
        else "raise spec.workers.resources.memory, which needs a new job"
    )
    return f"the container of the {pod.role} pod exceeded its memory limit{limit}; {remedy}"


def evicted(pod: PodView) -> str:
    """Return why the kubelet evicted a pod, with the remedy if it wrote more than its ephemeral storage."""
    why = pod.status_message.strip().rstrip(".") or "it did not say why"
    own_fault = pod.role != "coordinator" and ("EmptyDir" in why or "ephemeral local storage" in why)
    remedy = (
        "; raise spec.workers.resources.scratch, or the size of the mount, which needs a new job" if own_fault else ""
    )
    return f"the kubelet evicted the {pod.role} pod: {why}{remedy}"


def failure_budget(recovery: Recovery) -> FailureBudget:
    """Return the failure budget of a job's spec."""
    return FailureBudget(max_failures=recovery.max_failures, window_seconds=recovery.window_seconds)


def record_failures(
    status: JobStatus,
    failures: tuple[Failure, ...],
    budget: FailureBudget,
    now: datetime,
    *,
    existing: Collection[str] = (),
) -> JobStatus:
    """Return `status` with `failures` counted, and their incidents; incidents outside the window are dropped.

    `existing` are the uids of the failed pods that still exist: that they are recorded must be kept. Disruptions are
    recorded and counted apart; failures that a rule ignores are only recorded.
    """
    if not failures:
        return status
    before = status.recoveries
    known = failed_pod_entries(before, budget)
    entries = with_failures(known, failures, budget)
    counted = counted_failures(failures, before.recent, entries, now)
    without_logs = [failure.model_copy(update={"last_lines": []}) for failure in failures]
    failed_at = {pod: entry.time for pod, entry in known.items()}
    recoveries = before.model_copy(
        update={
            "count": before.count + len(counted),
            "disruptions": before.disruptions + len([failure for failure in failures if failure.disruption]),
            "recent": newest_failures([*before.recent, *without_logs]),
            "pods": kept_failed_pods(entries.values(), existing, budget, now),
            "times": with_incidents(before.times, before.recent, counted, budget, now, failed_at=failed_at),
        }
    )
    first = status.first_failure or next((failure for failure in failures if failure.counts), None)
    return status.model_copy(update={"recoveries": recoveries, "first_failure": first})


def counted_failures(
    failures: Iterable[Failure], recent: Iterable[Failure], entries: Mapping[str, FailedPod], now: datetime
) -> list[Failure]:
    """Return those of the new failures that do not follow from others; `recent` are the newest ones before."""
    known: dict[str, list[Failure]] = {}
    for failure in recent:
        known.setdefault(failure.pod, []).append(failure)
    counted = []
    for failure in failures:
        others = known.setdefault(failure.pod, [])
        is_death = failure.reason == PROCESS_DIED
        follows = is_death and was_disrupted(entries.get(failure.pod), instant_of(failure, now), CONSEQUENCE)
        if failure.counts and not follows and not is_consequence(failure, others, now):
            counted.append(failure)
            others.append(failure)
    return counted


def newest_failures(failures: list[Failure]) -> list[Failure]:
    """Return as many of the newest failures as the status keeps; those of lost coordinators, which limit others, stay."""
    coordinators = [number for number, failure in enumerate(failures) if failure.reason == COORDINATOR_LOST][
        -MAX_REPLACEMENTS:
    ]
    others = [number for number in range(len(failures)) if number not in coordinators]
    return [failures[number] for number in sorted((*coordinators, *others[len(coordinators) - MAX_RECENT :]))]


def permanent_failure(failures: tuple[Failure, ...]) -> Failure | None:
    """Return the first failure that a retry would repeat, and that no rule of the job matches.

    The trainer rejected its input, or the training diverged.

    A user's program can end with the same exit code; its failures are "Crashed", and are retried.
    """
    unruled = (failure for failure in failures if not failure.action and not failure.disruption)
    return next((failure for failure in unruled if is_permanent(failure)), None)


def is_permanent(failure: Failure) -> bool:
    """Return whether another attempt would end in the same way."""
    is_bad_input = failure.exit_code == ExitCode.BAD_INPUT and failure.reason != "Crashed"
    return is_bad_input or failure.reason == "Diverged"
