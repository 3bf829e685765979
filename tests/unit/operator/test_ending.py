"""What is left to do when a job is over."""

from datetime import timedelta

import pytest

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import ObjectReference, Plan
from unit.operator.builders import ago, conditions, job, observed, pod, started

SUCCEEDED = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "", "lastTransitionTime": ago(10)}
ITSELF = ObjectReference(
    api_version="llmtrain.dev/v1alpha1", kind="LLMTrainingJob", namespace="ns", name="j", uid="uid-of-j"
)

TTL_CASES = [
    # sentence, seconds since the end, ttl, plan
    ("a job without a time to live stays", 999, None, Plan()),
    ("a job is looked at again when its time ends", 4, 10, Plan(requeue_after=timedelta(seconds=6))),
    ("a job whose time is over is deleted", 10, 10, Plan(delete=(ITSELF,))),
]


@pytest.mark.parametrize(("sentence", "finished", "ttl", "plan"), TTL_CASES, ids=[case[0] for case in TTL_CASES])
def test_time_to_live(sentence, finished, ttl, plan) -> None:
    status = {"conditions": [SUCCEEDED], "finishTime": ago(finished)}
    spec = {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
    assert plan_job(observed(job(status, **spec))) == plan


def test_children_go_first_and_volumes_stay() -> None:
    status = {"conditions": [SUCCEEDED], "finishTime": ago(100)}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "j-coordinator", "uid": "s"}}
    snapshot = observed(
        job(status, ttlSecondsAfterFinished=1),
        pods=(pod("j-worker-0", phase="Succeeded"),),
        objects={("Service", "j-coordinator"): service},
        claims={"datasets": {}},
    )
    assert [(reference.kind, reference.name) for reference in plan_job(snapshot).delete] == [
        ("Pod", "j-worker-0"),
        ("Service", "j-coordinator"),
    ]


def test_a_deadline_fails_the_job() -> None:
    late = plan_job(observed(job(started(), activeDeadlineSeconds=300)))
    assert conditions(late.status)["Failed"].reason == "DeadlineExceeded"
    early = plan_job(observed(job(started(), activeDeadlineSeconds=301)))
    assert "Failed" not in conditions(early.status)
    assert early.requeue_after == timedelta(seconds=1)
