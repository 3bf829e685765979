"""An object whose spec or status cannot be read: a condition reports it, and everything else of its status stays."""

from typing import Any

from llmtrain_api.cluster import ClusterStatus
from llmtrain_api.conditions import ClusterCondition, JobCondition, Reason, set_condition
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import JOB_KIND
from llmtrain_api.unknown_values import without_unknown_values
from llmtrain_operator.core.manifest import Manifest, generation_of


def unreadable_status(manifest: Manifest, cause: str, now: str) -> dict[str, Any] | None:
    """Return the status of a job or LLMCluster that cannot be read because of `cause`; None if it says so already.

    Values of another version are left out, because the API server may refuse a status with them.
    """
    is_job = manifest["kind"] == JOB_KIND
    type = JobCondition.SCHEDULED if is_job else ClusterCondition.READY
    message = f"the operator cannot read this object: {cause}; correct the field, or upgrade the operator"
    (condition,) = set_condition(
        (), type, False, Reason.UNREADABLE, message, now=now, metadata_generation=generation_of(manifest)
    )
    status = manifest.get("status")
    status = without_unknown_values(JobStatus if is_job else ClusterStatus, status if isinstance(status, dict) else {})
    found = status.get("conditions")
    conditions = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    before = next((each for each in conditions if each.get("type") == type), {})
    if (before.get("reason"), before.get("message")) == (condition.reason, condition.message):
        return None
    others = [each for each in conditions if each.get("type") != type]
    return {**status, "conditions": [*others, condition.document()]}


def cause_of(error: Exception) -> str:
    """Return the first thing that is wrong with an object, from the error of reading it."""
    texts = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = ": ".join(texts[1:3] if len(texts) > 2 else texts)
    words = cause.replace("Value error, ", "").partition(" [type=value_error")[0]  # they name the remedy themselves
    return words[:500] or type(error).__name__
