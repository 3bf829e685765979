"""Suspended jobs: the workers write a checkpoint and go, then everything else but the volumes."""

from llmtrain_api.conditions import JobCondition, Reason
from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.snapshot import JobSnapshot
from llmtrain_operator.core.stage_plan import ConditionUpdate, StagePlan, object_references, pod_reference


def suspend(observed: JobSnapshot, status: JobStatus) -> StagePlan:
    """Stop the workers; the coordinator, whom they say goodbye to, goes last."""
    trainers = [pod for pod in observed.pods if pod.role != "coordinator"]
    alive = [pod for pod in trainers if pod.phase in ("Pending", "Running")]
    leaving = trainers if alive else list(observed.pods)
    references = tuple(pod_reference(observed, pod) for pod in leaving if not pod.deleting)
    others = () if alive else object_references(observed, ("Service", "PodGroup"))
    stopped = not observed.pods
    message = (
        "stopped; set spec.suspend to false to go on from the last checkpoint"
        if stopped
        else "pods are stopping after a checkpoint"
    )
    reason = Reason.SUSPENDED if stopped else Reason.STOPPING
    return StagePlan(
        stage="Suspended",
        said=(
            ConditionUpdate(type=JobCondition.SUSPENDED, status=stopped, reason=reason, message=message),
            ConditionUpdate(type=JobCondition.RUNNING, status=False, reason=reason, message=message),
        ),
        delete=(*references, *others),
        update={"workers": status.workers.model_copy(update={"ready": 0, "active": 0})} if stopped else {},
    )
