"""Whether the training continues with less than the spec asks for."""

from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.policies.degraded import degraded_conditions
from unit.operator.builders import ago, coordinator_status, job, progress, started

SPEC = job(workers={"replicas": 2, "min": 2}).spec


def status(active: int, **fields: Any) -> JobStatus:
    return JobStatus.model_validate(started(**{"firstStepTime": ago(60), "workers": {"active": active}, **fields}))


@pytest.mark.parametrize(
    ("state", "joined", "active", "expected"),
    [
        pytest.param("Training", 2, 2, (False, "AllWorkers", "all 2 workers are training"), id="all workers train"),
        pytest.param(
            "Training",
            1,
            1,
            (True, "WorkersMissing", "training continues with 1 of 2 workers"),
            id="one worker is missing",
        ),
        pytest.param(
            "Waiting",
            1,
            0,
            (True, "TooFewWorkers", "1 of 2 workers are left, fewer than spec.workers.min (2)"),
            id="too few workers are left",
        ),
    ],
)
def test_workers_that_are_missing(state: str, joined: int, active: int, expected: tuple[bool, str, str]) -> None:
    (found,) = degraded_conditions(SPEC, status(active), coordinator_status(state, joined=joined))
    assert (found.status, found.reason) == expected[:2]
    assert found.message.startswith(expected[2])


@pytest.mark.parametrize(
    ("state", "remedies"),
    [
        pytest.param("Training", ("add capacity", "lower spec.workers.replicas"), id="missing workers"),
        pytest.param("Waiting", ("add capacity", "lower spec.workers.min"), id="too few workers"),
    ],
)
def test_the_message_names_the_remedy(state: str, remedies: tuple[str, ...]) -> None:
    (found,) = degraded_conditions(SPEC, status(1), coordinator_status(state, joined=1))
    assert all(remedy in found.message for remedy in remedies)


def test_a_checkpoint_that_fails_is_reported_with_its_volume() -> None:
    failing = progress(checkpoint_error="[Errno 28] No space left on device")
    (found,) = degraded_conditions(SPEC, status(2), coordinator_status(progress=failing.model_dump()))
    assert (found.status, found.reason) == (True, "CheckpointFailed")
    assert "No space left on device; free space on volume checkpoints" in found.message


@pytest.mark.parametrize(
    ("the_status", "coordinator"),
    [
        pytest.param(status(0), None, id="while no coordinator answers"),
        pytest.param(status(0, firstStepTime=None), coordinator_status("Waiting"), id="before the first step"),
        pytest.param(
            status(0), coordinator_status("Waiting", generation=0), id="while a new coordinator knows no rank"
        ),
        pytest.param(status(0), coordinator_status("Finished"), id="when the training has finished"),
    ],
)
def test_the_condition_stays_unchanged(the_status: JobStatus, coordinator: Any) -> None:
    assert degraded_conditions(SPEC, the_status, coordinator) == ()
