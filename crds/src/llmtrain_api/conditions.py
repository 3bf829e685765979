"""Conditions of both resources, and their reasons."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.model import Model, Timestamp
from llmtrain_api.printable import printable


class JobCondition(StrEnum):
    """Types of a job's conditions. Exactly one of Succeeded and Failed becomes True when the job finishes."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    DEGRADED = "Degraded"
    UPDATED = "Updated"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class ClusterCondition(StrEnum):
    """Types of an LLMCluster's conditions."""

    READY = "Ready"


class Reason(StrEnum):
    """Reasons of conditions and events."""

    # Scheduled
    CLUSTER_NOT_FOUND = "ClusterNotFound"
    NAMESPACE_NOT_TENANT = "NamespaceNotTenant"
    VOLUME_NOT_FOUND = "VolumeNotFound"
    VOLUME_PENDING = "VolumePending"
    POOL_NOT_FOUND = "PoolNotFound"
    JOB_NOT_FOUND = "JobNotFound"
    JOB_FAILED = "JobFailed"
    MODEL_NOT_USABLE = "ModelNotUsable"
    DEPENDENCY_CYCLE = "DependencyCycle"
    PRIORITY_CLASS_NOT_ALLOWED = "PriorityClassNotAllowed"
    TOLERATION_NOT_ALLOWED = "TolerationNotAllowed"
    INSUFFICIENT_GPUS = "InsufficientGPUs"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    API_REJECTED = "APIRejected"
    CRASH_LOOP_BACK_OFF = "CrashLoopBackOff"
    CONTAINER_NOT_STARTED = "ContainerNotStarted"
    FAILED_MOUNT = "FailedMount"
    STUCK_TERMINATING = "StuckTerminating"
    BACK_OFF = "BackOff"
    NAME_TAKEN = "NameTaken"
    UNREADABLE = "Unreadable"
    WAITING = "Waiting"
    SCHEDULED = "Scheduled"
    # Running
    PREPARING = "Preparing"
    STARTING = "Starting"
    TRAINING = "Training"
    RECOVERING = "Recovering"
    PUBLISHING = "Publishing"
    # Degraded
    ALL_WORKERS = "AllWorkers"
    WORKERS_MISSING = "WorkersMissing"
    TOO_FEW_WORKERS = "TooFewWorkers"
    CHECKPOINT_FAILED = "CheckpointFailed"
    CONTROL_PLANE_UNSURE = "ControlPlaneUnsure"
    DIVERGED = "Diverged"
    COORDINATOR_UNREACHABLE = "CoordinatorUnreachable"
    COORDINATOR_REACHED = "CoordinatorReached"
    # Updated
    OUTDATED_PODS = "OutdatedPods"
    ALL_PODS_UPDATED = "AllPodsUpdated"
    # Suspended, and Running while suspended
    SUSPENDED = "Suspended"
    STOPPING = "Stopping"
    NOT_SUSPENDED = "NotSuspended"
    # Succeeded and Failed
    COMPLETED = "Completed"
    BAD_INPUT = "BadInput"
    PROGRAM_ERROR = "ProgramError"
    TOO_MANY_FAILURES = "TooManyFailures"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    FAILURE_RULE = "FailureRule"
    # LLMCluster, and Degraded after ControlPlaneUnsure
    NODES_READY = "NodesReady"
    NODES_MISSING = "NodesMissing"
    CLAIMS_REJECTED = "ClaimsRejected"
    EXPANSION_REJECTED = "ExpansionRejected"
    # events only
    BAD_STEP = "BadStep"
    CLASS_MISSING = "ClassMissing"
    NO_GANG_SCHEDULING = "NoGangScheduling"
    CHILD_REPAIRED = "ChildRepaired"
    COORDINATOR_LOST = "CoordinatorLost"
    WORKER_FAILED = "WorkerFailed"
    POD_DISRUPTED = "PodDisrupted"
    RECOVERED = "Recovered"


class Condition(Model):
    """A condition, as in other Kubernetes resources."""

    type: Annotated[str, Field(max_length=64)]
    """Type of the condition."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds."""
    reason: Annotated[str, Field(max_length=64)]
    """Machine-readable reason for the status, in CamelCase."""
    message: Annotated[str, Field(max_length=2048)]
    """Human-readable explanation, with the remedy if something is wrong."""
    last_transition_time: Timestamp
    """When `status` last changed."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """`metadata.generation` that the condition was set for."""


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
"""The conditions of an object. Each type is one entry of a map, so that other controllers can own one by server-side apply."""


def set_condition(
    conditions: tuple[Condition, ...],
    type: str,
    status: bool,
    reason: str,
    message: str,
    *,
    now: str,
    metadata_generation: int,
) -> tuple[Condition, ...]:
    """Return `conditions` with one condition replaced or added.

    `last_transition_time` becomes `now` only if the status changes; messages are made printable and cut at 2048
    characters.
    """
    status_text: Literal["True", "False"] = "True" if status else "False"
    before = next((condition for condition in conditions if condition.type == type), None)
    after = Condition(
        type=type,
        status=status_text,
        reason=reason,
        message=printable(message, 2048),
        last_transition_time=before.last_transition_time if before and before.status == status_text else now,
        observed_generation=metadata_generation,
    )
    if before is None:
        return (*conditions, after)
    return tuple(after if condition is before else condition for condition in conditions)


def is_true(conditions: tuple[Condition, ...], type: str) -> bool:
    """Return whether the condition `type` exists and is True."""
    return any(condition.type == type and condition.status == "True" for condition in conditions)
