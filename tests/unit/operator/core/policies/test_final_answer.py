"""The coordinator's newest answer is read before the job ends, or before its coordinator is deleted."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan, pod_references
from llmtrain_operator.core.policies.final_answer import awaits_final_answer
from unit.operator.builders import (
    DATASET,
    ago,
    coordinator_status,
    failed_pod,
    job,
    pod,
    progress,
    snapshot,
    started,
    succeeded_pod,
)

COORDINATOR = pod("j-coordinator", "coordinator")
WORKER = pod("j-worker-0")
PODS = (WORKER, COORDINATOR)
TRAINED = (succeeded_pod("j-worker-0"), succeeded_pod("j-worker-1"), COORDINATOR)


@pytest.mark.parametrize(
    ("deleted", "fields", "expected"),
    [
        pytest.param((COORDINATOR,), {}, True, id="the coordinator is deleted"),
        pytest.param((), {"is_end": True}, True, id="the job ends"),
        pytest.param((WORKER,), {}, False, id="a worker is deleted"),
        pytest.param((COORDINATOR,), {"is_asked": True}, False, id="it was asked just now"),
        pytest.param((COORDINATOR,), {"answers": False}, False, id="it does not answer"),
    ],
)
def test_what_waits_for_the_final_answer(deleted: tuple[Any, ...], fields: dict[str, bool], expected: bool) -> None:
    given = {"is_end": False, "answers": True, "is_asked": False, **fields}
    assert awaits_final_answer(PODS, pod_references(deleted, frozenset()), **given) is expected


@pytest.mark.parametrize(
    ("pods", "spec"),
    [
        pytest.param(TRAINED, {}, id="the training is completed"),
        pytest.param(TRAINED, {"suspend": True}, id="the job is suspended"),
        pytest.param((failed_pod("j-worker-0"), COORDINATOR), {"recovery": {"maxFailures": 0}}, id="it fails"),
        pytest.param(PODS, {"activeDeadlineSeconds": 60}, id="its deadline has passed"),
    ],
)
def test_the_last_status_has_the_last_step(pods: tuple[Any, ...], spec: dict[str, Any]) -> None:
    the_job = job(started(dataset=DATASET, stage="Training", firstStepTime=ago(99)), **spec)
    stale = coordinator_status(progress=progress(step=95).model_dump())
    waiting = snapshot(the_job, pods=pods, coordinator=stale, coordinator_asked=False)
    assert plan_job(waiting) == Plan(poll_after=timedelta(0))
    newest = coordinator_status(progress=progress(step=100).model_dump())
    assert plan_job(snapshot(the_job, pods=pods, coordinator=newest)).status.progress.step == 100
