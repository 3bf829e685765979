"""Coordinator unreachable: its pod runs, and the operator gets no answer, such as for a NetworkPolicy, or a refusal.

Workers that reach it train all the same, so nothing is stopped. But progress, goodput, deaths of processes and the number
of workers do not get through, which the condition Degraded reports with what would let the operator in.
"""

from collections.abc import Iterable
from datetime import timedelta

from llmtrain_api.conditions import Condition, JobCondition, Reason
from llmtrain_api.names import COORDINATOR_PORT, JOB_LABEL, ROLE_LABEL, network_policy_name
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.snapshot import Images, Job, Silence
from llmtrain_operator.core.stage_plan import ConditionUpdate

UNREACHABLE_AFTER = timedelta(seconds=30)
"""How long a coordinator can need until it answers: its image may still be starting."""


def unreachable_conditions(
    silence: Silence | None, pods: tuple[PodView, ...], *, job: Job, images: Images
) -> tuple[ConditionUpdate, ...]:
    """Return Degraded while the coordinator of a job runs and does not answer; nothing if its container restarts."""
    running = (pod for pod in pods_with_role(pods, "coordinator") if pod.running and not pod.waiting_reason)
    coordinator = next(running, None)
    if silence is None or coordinator is None or silence.duration < UNREACHABLE_AFTER:
        return ()
    error = f" ({silence.error})" if silence.error else ""
    message = (
        f"{coordinator.name} runs and has not answered the operator since {format_rfc3339(silence.since)}{error}: workers "
        "may train, but progress, goodput and changes of the number of workers do not get through"
    )
    remedy = "" if silence.is_refusal else f"; {way_in(job, images)}"
    return (_degraded(True, Reason.COORDINATOR_UNREACHABLE, message + remedy),)


def way_in(job: Job, images: Images) -> str:
    """Return which NetworkPolicy lets the operator in, or what one must allow."""
    ports = f"TCP port {COORDINATOR_PORT} from namespace {images.operator_namespace or 'of the operator'}"
    if images.coordinator_from is not None:
        return (
            f"NetworkPolicy {network_policy_name(job.name)} allows {ports}: check that it exists in namespace "
            f"{job.namespace}, what restricts the egress of the operator's namespace, and the policies of a service mesh"
        )
    return (
        f"allow {ports} to pods with the labels {JOB_LABEL}={job.name} and {ROLE_LABEL}=coordinator in a NetworkPolicy of "
        f"namespace {job.namespace} and in the policies of a service mesh, or set jobNetworkPolicy.enabled of the chart"
    )


def reached_conditions(silence: Silence | None, conditions: Iterable[Condition]) -> tuple[ConditionUpdate, ...]:
    """Return the end of Degraded when the coordinator answers again; `conditions` are those so far."""
    if silence is not None or not any(is_unreachable(condition) for condition in conditions):
        return ()
    return (_degraded(False, Reason.COORDINATOR_REACHED, "the coordinator answers, or another one starts"),)


def is_unreachable(condition: Condition) -> bool:
    """Return whether a condition says that the coordinator is unreachable."""
    return condition.reason == Reason.COORDINATOR_UNREACHABLE and condition.status == "True"


def _degraded(status: bool, reason: Reason, message: str) -> ConditionUpdate:
    return ConditionUpdate(type=JobCondition.DEGRADED, status=status, reason=reason, message=message)
