"""`activeDeadlineSeconds` counts from the start of a job."""

from datetime import timedelta

import pytest

from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.deadline import deadline_exceeded, remaining_deadline
from unit.operator.builders import NOW, ago, conditions, job, snapshot, started


@pytest.mark.parametrize(
    ("spec", "start_time", "remaining"),
    [
        pytest.param({}, ago(10), None, id="a job without a deadline has no time left to count"),
        pytest.param({"activeDeadlineSeconds": 5}, None, None, id="a job that has not started has none either"),
        pytest.param({"activeDeadlineSeconds": 15}, ago(10), timedelta(seconds=5), id="the rest of the deadline"),
        pytest.param({"activeDeadlineSeconds": 5}, ago(10), timedelta(seconds=-5), id="negative when it has passed"),
    ],
)
def test_remaining_deadline(spec: dict[str, int], start_time: str | None, remaining: timedelta | None) -> None:
    assert remaining_deadline(job(**spec).spec, start_time, NOW) == remaining


def test_a_deadline_is_exceeded_at_the_very_second() -> None:
    spec = job(activeDeadlineSeconds=10).spec
    assert deadline_exceeded(spec, ago(10), NOW)
    assert not deadline_exceeded(spec, ago(9), NOW)
    assert not deadline_exceeded(job().spec, ago(10), NOW)


def test_an_exceeded_deadline_fails_the_job_and_a_later_one_requeues_it() -> None:
    late = plan_job(snapshot(job(started(), activeDeadlineSeconds=300)))
    assert conditions(late.status)["Failed"].reason == "DeadlineExceeded"
    assert "spec.activeDeadlineSeconds" in conditions(late.status)["Failed"].message
    early = plan_job(snapshot(job(started(), activeDeadlineSeconds=301)))
    assert "Failed" not in conditions(early.status)
    assert early.requeue_after == timedelta(seconds=1)
