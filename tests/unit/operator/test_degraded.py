"""Whether fewer workers train than are wanted, and whether they are too few."""

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CoordinatorStatus
from llmtrain_operator.core.policies.degraded import degraded
from unit.coordinator.messages import progressing
from unit.operator.builders import ago, job, observed, started

CASES = [
    # sentence, state, ranks joined, workers active, what is said
    ("all train", "Training", 2, 2, (False, "AllWorkers", "all 2 workers train")),
    ("one is missing", "Training", 1, 1, (True, "WorkersMissing", "training goes on with 1 of 2 workers")),
    (
        "too few are left",
        "Waiting",
        1,
        0,
        (True, "TooFewWorkers", "1 workers are left and wait with their state: spec.workers.min is 2"),
    ),
]


@pytest.mark.parametrize(("sentence", "state", "joined", "active", "said"), CASES, ids=[case[0] for case in CASES])
def test_said(sentence: str, state: str, joined: int, active: int, said: tuple[bool, str, str]) -> None:
    seen = CoordinatorStatus.model_validate(
        {"state": state, "generation": 1, "desired": 2, "joined": joined, "members": []}
    )
    status = JobStatus.model_validate(started(firstStepTime=ago(60), workers={"active": active}))
    (answer,) = degraded(observed(job(workers={"replicas": 2, "min": 2}), coordinator=seen), status)
    assert (answer.status, answer.reason) == said[:2]
    assert answer.message.startswith(said[2])


def test_checkpoints_that_fail_are_said() -> None:
    failing = progressing(1, 40).model_copy(update={"checkpoint_error": "[Errno 28] No space left on device"})
    seen = CoordinatorStatus(state="Training", generation=1, desired=2, joined=2, members=[], progress=failing)
    status = JobStatus.model_validate(started(firstStepTime=ago(60), workers={"active": 2}))
    (answer,) = degraded(observed(coordinator=seen), status)
    assert (answer.status, answer.reason) == (True, "CheckpointFailed")
    assert "No space left on device; make room on volume checkpoints" in answer.message


def test_nothing_is_said_while_nobody_knows_or_nothing_has_begun() -> None:
    assert degraded(observed(), JobStatus.model_validate(started(firstStepTime=ago(60)))) == ()
    seen = CoordinatorStatus(state="Waiting", generation=1, desired=2, joined=1, members=[])
    assert degraded(observed(coordinator=seen), JobStatus.model_validate(started())) == ()


def test_nothing_is_said_while_a_new_coordinator_has_heard_of_nobody() -> None:
    seen = CoordinatorStatus(state="Waiting", generation=0, desired=2, joined=0, members=[])
    assert degraded(observed(coordinator=seen), JobStatus.model_validate(started(firstStepTime=ago(60)))) == ()
