"""Kubernetes events of a job: changed conditions, repaired objects, failures."""

from collections.abc import Iterable, Mapping

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import Failure, JobStatus
from llmtrain_operator.core.manifest import Manifest, ObjectKey, object_key
from llmtrain_operator.core.plan import Event

WARNING_REASONS = frozenset(
    {
        Reason.CLUSTER_NOT_FOUND,
        Reason.NAMESPACE_NOT_TENANT,
        Reason.VOLUME_NOT_FOUND,
        Reason.POOL_NOT_FOUND,
        Reason.JOB_NOT_FOUND,
        Reason.JOB_FAILED,
        Reason.MODEL_NOT_USABLE,
        Reason.DEPENDENCY_CYCLE,
        Reason.PRIORITY_CLASS_NOT_ALLOWED,
        Reason.TOLERATION_NOT_ALLOWED,
        Reason.INSUFFICIENT_GPUS,
        Reason.UNSCHEDULABLE,
        Reason.IMAGE_PULL_FAILED,
        Reason.CRASH_LOOP_BACK_OFF,
        Reason.CONTAINER_NOT_STARTED,
        Reason.FAILED_MOUNT,
        Reason.STUCK_TERMINATING,
        Reason.API_REJECTED,
        Reason.NAME_TAKEN,
        Reason.UNREADABLE,
        Reason.RECOVERING,
        Reason.BAD_INPUT,
        Reason.BAD_STEP,
        Reason.CLASS_MISSING,
        Reason.PROGRAM_ERROR,
        Reason.TOO_MANY_FAILURES,
        Reason.DEADLINE_EXCEEDED,
        Reason.FAILURE_RULE,
        Reason.WORKERS_MISSING,
        Reason.TOO_FEW_WORKERS,
        Reason.CHECKPOINT_FAILED,
        Reason.CONTROL_PLANE_UNSURE,
        Reason.DIVERGED,
        Reason.COORDINATOR_UNREACHABLE,
    }
)
"""Reasons whose events are warnings."""
MAX_EVENTS = 8
"""Failures with one reason that have an event each; more have one together."""
MAX_NAMED = 3
"""Pods that such an event names."""


def condition_events(before: JobStatus, status: JobStatus) -> tuple[Event, ...]:
    """Return an event for each condition that became True, or False for a reason that is a warning."""
    known = {(condition.type, condition.status, condition.reason) for condition in before.conditions}
    changed = {
        (condition.reason, condition.message): None  # two conditions can have the same reason and message
        for condition in status.conditions
        if (condition.type, condition.status, condition.reason) not in known
        and (condition.status == "True" or condition.reason in WARNING_REASONS)
    }
    return tuple(
        Event(type="Warning" if reason in WARNING_REASONS else "Normal", reason=reason, message=message)
        for reason, message in changed
    )


def repair_events(applied: Iterable[Manifest], live_objects: Mapping[ObjectKey, Manifest]) -> tuple[Event, ...]:
    """Return an event for each applied object that existed already, and so was changed outside of the job."""
    return tuple(
        Event(
            type="Normal",
            reason=Reason.CHILD_REPAIRED,
            message=f"{manifest['kind']} {manifest['metadata']['name']} was changed outside of the job and is restored; "
            "change the job instead",
        )
        for manifest in applied
        if object_key(manifest) in live_objects and manifest["kind"] != "PodGroup"
    )


def failure_events(failures: Iterable[Failure]) -> tuple[Event, ...]:
    """Return an event for each failure and each disruption, or one with their number for many with the same reason."""
    groups: dict[tuple[bool, str, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.disruption, failure.reason, failure.action), []).append(failure)
    return tuple(
        Event(type="Normal", reason=Reason.POD_DISRUPTED, message=message)
        if disruption
        else Event(type="Warning", reason=Reason.WORKER_FAILED, message=message)
        for (disruption, _, _), group in groups.items()
        for message in _describe_group(group)
    )


def _describe_group(failures: list[Failure]) -> list[str]:
    if len(failures) <= MAX_EVENTS:
        return [_describe(failure) for failure in failures]
    first = failures[0]
    names = ", ".join(f"{failure.pod} on {failure.node or 'no node'}" for failure in failures[:MAX_NAMED])
    what = "are removed by" if first.disruption else "ended with"
    return [
        f"{len(failures)} pods {what} {first.reason} at once ({names} and {len(failures) - MAX_NAMED} more); "
        f"the first of them: {_describe(first)}"
    ]


def _describe(failure: Failure) -> str:
    exit_code = "unknown" if failure.exit_code is None else failure.exit_code
    where = f"pod {failure.pod} on {failure.node or 'no node'}"
    if failure.disruption:
        consequence = "spec.recovery.rules counts it" if failure.counts else "it does not count"
        return f"{where} is removed by {failure.reason}: {failure.message}; {consequence} as a failure"
    ignored = "; spec.recovery.rules ignores it" if failure.action == "Ignore" else ""
    return f"{where} ended with {failure.reason} (exit code {exit_code}): {failure.message}{ignored}"
