"""The status that follows from what pods and a coordinator report, as the API server would judge it."""

import json
from typing import Any

from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import JOB_KIND
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_api.recovery_record import RecoveryRecord
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.pod_view import PodView
from support.crd_schema import violations
from unit.operator.builders import DATASET, ago, job, pod, snapshot, started

RUNNING = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))
RECOVERY = RecoveryRecord(
    generation=3,
    method="pod",
    time=ago(1),
    detect_seconds=1.0,
    rendezvous_seconds=1.0,
    restore_seconds=1.0,
    replay_seconds=1.0,
    replayed_steps=1,
)


def storable(status: JobStatus) -> dict[str, Any]:
    """Return the document of a status, which the API server must accept."""
    document: dict[str, Any] = json.loads(json.dumps(status.document(), allow_nan=False))
    JobStatus.model_validate(document)
    assert not violations(JOB_KIND, "status", document)
    return document


def planned(coordinator: CoordinatorStatus, pods: tuple[PodView, ...] = RUNNING, **spec: Any) -> JobStatus:
    """Return the status of the plan, which must be one that the API server accepts."""
    status = started(dataset=DATASET, coordinatorTerm=2)
    plan = plan_job(snapshot(job(status, **spec), pods=pods, coordinator=coordinator))
    assert isinstance(plan.status, JobStatus)
    document = storable(plan.status)
    document_text = json.dumps(document, ensure_ascii=False)
    assert "\x1b" not in document_text
    document_text.encode()
    return plan.status
