"""Time to live: a finished job is deleted when `ttlSecondsAfterFinished` have passed."""

from datetime import datetime, timedelta

from llmtrain_api.names import API_VERSION, JOB_KIND
from llmtrain_api.timestamps import try_parse_rfc3339
from llmtrain_operator.core.plan import ObjectReference, Plan
from llmtrain_operator.core.snapshot import Job


def plan_ttl(job: Job, finish_time: str | None, now: datetime) -> Plan:
    """Delete the finished `job` when its time to live has passed; otherwise requeue until then.

    A job whose time of its end cannot be read is kept.
    """
    ttl_seconds, finished = job.spec.ttl_seconds_after_finished, try_parse_rfc3339(finish_time)
    if ttl_seconds is None or finished is None:
        return Plan()
    remaining = finished + timedelta(seconds=ttl_seconds) - now
    if remaining > timedelta(0):
        return Plan(requeue_after=remaining)
    reference = ObjectReference(
        api_version=API_VERSION, kind=JOB_KIND, namespace=job.namespace, name=job.name, uid=job.uid
    )
    return Plan(delete=(reference,))
