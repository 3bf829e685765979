"""`ttlSecondsAfterFinished`: when a finished job is deleted."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_operator.core.plan import ObjectReference, Plan
from llmtrain_operator.core.policies.ttl import plan_ttl
from support.garbage import EXTREME_INSTANTS
from unit.operator.builders import NOW, ago, job

JOB = ObjectReference(
    api_version="llmtrain.dev/v1alpha1", kind="LLMTrainingJob", namespace="ns", name="j", uid="uid-of-j"
)
TEN = {"ttlSecondsAfterFinished": 10}


@pytest.mark.parametrize(
    ("spec", "finish_time", "plan"),
    [
        pytest.param(TEN, None, Plan(), id="a job that has not finished is not deleted"),
        *(
            pytest.param(TEN, time, Plan(), id=f"a job is kept that ended at {time}")
            for time in ("x", *EXTREME_INSTANTS)
        ),
        pytest.param({}, ago(999), Plan(), id="a job without a time to live stays"),
        pytest.param(TEN, ago(4), Plan(requeue_after=timedelta(seconds=6)), id="a job is requeued for its deletion"),
        pytest.param(TEN, ago(10), Plan(delete=(JOB,)), id="a job whose time to live has passed is deleted"),
    ],
)
def test_time_to_live(spec: dict[str, Any], finish_time: str | None, plan: Plan) -> None:
    assert plan_ttl(job(**spec), finish_time, NOW) == plan
