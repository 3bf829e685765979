"""Decisions are written at once, counts and messages after seconds, figures every 30 seconds."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_operator.core.status.write_delay import write_delay
from unit.operator.builders import ago, job

PROGRESS = {"step": 1, "steps": 9, "percent": 11, "loss": "3.0"}
CONDITION = {"type": "Running", "status": "True", "reason": "Training", "message": "", "lastTransitionTime": ago(9)}
FAILURE = {"pod": "p", "uid": "u", "time": ago(1)}
BEFORE: dict[str, Any] = {"stage": "Training", "progress": PROGRESS, "conditions": [CONDITION]}


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        pytest.param({}, None, id="nothing has changed"),
        pytest.param({"progress": {**PROGRESS, "step": 2}}, 20, id="a step"),
        pytest.param({"progress": {**PROGRESS, "heldOutLoss": "3.1"}}, 20, id="an evaluation"),
        pytest.param({"workers": {"active": 1}}, 0, id="a count after its interval"),
        pytest.param({"conditions": [{**CONDITION, "message": "m"}]}, 0, id="a message after its interval"),
        pytest.param({"stage": "Recovering"}, 0, id="a stage"),
        pytest.param({"conditions": [{**CONDITION, "status": "False"}]}, 0, id="a condition"),
        pytest.param({"conditions": [{**CONDITION, "reason": "Recovering"}]}, 0, id="a reason"),
        pytest.param({"recoveries": {"count": 1, "recent": [FAILURE]}}, 0, id="a failure"),
        pytest.param({"checkpoint": {"step": 1, "time": ago(1), "path": "p"}}, 0, id="the first checkpoint"),
        pytest.param({"progress": None}, 0, id="progress that is gone"),
        pytest.param({"observedGeneration": 2}, 0, id="a new spec"),
    ],
)
def test_a_change_is_written_when_it_is_due(change: dict[str, Any], seconds: float | None) -> None:
    found = write_delay(job(BEFORE).status, job({**BEFORE, **change}).status, timedelta(seconds=10))
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def test_counts_wait_for_some_seconds() -> None:
    before, after = job(BEFORE).status, job({**BEFORE, "workers": {"ready": 1}}).status
    assert write_delay(before, after, timedelta(seconds=1)) == timedelta(seconds=4)


def test_after_a_restart_everything_is_written_at_once() -> None:
    after = job({**BEFORE, "progress": {**PROGRESS, "step": 2}}).status
    assert write_delay(job(BEFORE).status, after, None) == timedelta(0)
