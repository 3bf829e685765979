"""`activeDeadlineSeconds` counts from the start of a job, and pauses while the job is suspended."""

from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.policies.deadline import deadline_exceeded, remaining_deadline, suspension_fields
from unit.operator.builders import NOW, ago, conditions, job, snapshot, started


def status(**fields: Any) -> JobStatus:
    return JobStatus.model_validate(fields)


@pytest.mark.parametrize(
    ("spec", "the_status", "seconds"),
    [
        pytest.param({}, status(startTime=ago(10)), None, id="a job without a deadline has no time left to count"),
        pytest.param({"activeDeadlineSeconds": 5}, status(), None, id="a job that has not started has none either"),
        pytest.param({"activeDeadlineSeconds": 15}, status(startTime=ago(10)), 5, id="the rest of the deadline"),
        pytest.param({"activeDeadlineSeconds": 5}, status(startTime=ago(10)), -5, id="negative when it has passed"),
        pytest.param(
            {"activeDeadlineSeconds": 5, "suspend": True}, status(startTime=ago(10)), None, id="none while suspended"
        ),
        pytest.param(
            {"activeDeadlineSeconds": 5},
            status(startTime=ago(90), suspendedSeconds=80, suspendTime=ago(7)),
            2,
            id="suspensions are added, the one that ends now too",
        ),
        pytest.param(
            {"activeDeadlineSeconds": 5},
            status(startTime=ago(3), suspendTime=ago(-60)),
            2,
            id="a suspension of another clock adds nothing",
        ),
        pytest.param({"activeDeadlineSeconds": 5}, status(startTime="?"), None, id="a start that cannot be read"),
        pytest.param(
            {"activeDeadlineSeconds": 5},
            status(startTime=ago(3), suspendedSeconds=2**63 - 1),
            100 * 365 * 86400 + 2,
            id="no suspension is longer than a century",
        ),
    ],
)
def test_remaining_deadline(spec: dict[str, Any], the_status: JobStatus, seconds: float | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert remaining_deadline(job(**spec).spec, the_status, NOW) == expected


def test_a_deadline_is_exceeded_at_the_very_second() -> None:
    spec = job(activeDeadlineSeconds=10).spec
    assert deadline_exceeded(spec, status(startTime=ago(10)), NOW)
    assert not deadline_exceeded(spec, status(startTime=ago(9)), NOW)
    assert not deadline_exceeded(job().spec, status(startTime=ago(10)), NOW)


def test_an_exceeded_deadline_fails_the_job_and_a_later_one_requeues_it() -> None:
    late = plan_job(snapshot(job(started(), activeDeadlineSeconds=300)))
    assert conditions(late.status)["Failed"].reason == "DeadlineExceeded"
    assert "spec.activeDeadlineSeconds" in conditions(late.status)["Failed"].message
    early = plan_job(snapshot(job(started(), activeDeadlineSeconds=301)))
    assert "Failed" not in conditions(early.status)
    assert early.requeue_after == timedelta(seconds=1)


SUSPENDED = {"type": "Suspended", "status": "True", "reason": "Suspended", "message": "", "lastTransitionTime": ago(99)}


@pytest.mark.parametrize(
    ("suspend", "the_status", "expected"),
    [
        pytest.param(True, status(), {}, id="a job that has not started has no deadline to pause"),
        pytest.param(True, status(startTime=ago(500)), {"suspend_time": ago(0)}, id="it is suspended now"),
        pytest.param(True, status(startTime=ago(500), suspendTime=ago(9)), {}, id="it is suspended already"),
        pytest.param(
            True,
            status(startTime=ago(500), conditions=[SUSPENDED]),
            {"suspend_time": ago(99)},
            id="an older operator suspended it",
        ),
        pytest.param(
            False,
            status(startTime=ago(500), suspendTime=ago(9), suspendedSeconds=30),
            {"suspend_time": None, "suspended_seconds": 39},
            id="it is resumed",
        ),
        pytest.param(False, status(startTime=ago(500), suspendedSeconds=30), {}, id="it continues"),
    ],
)
def test_the_status_keeps_the_time_of_suspensions(
    suspend: bool, the_status: JobStatus, expected: dict[str, Any]
) -> None:
    assert suspension_fields(job(suspend=suspend).spec, the_status, NOW) == expected


def test_a_suspended_job_outlives_its_deadline_and_continues_with_what_was_left_of_it() -> None:
    suspended = plan_job(snapshot(job(started(), suspend=True, activeDeadlineSeconds=310)))
    assert suspended.status.suspend_time == ago(0)
    later = NOW + timedelta(days=3)
    asleep = plan_job(snapshot(job(suspended.status.document(), suspend=True, activeDeadlineSeconds=310), now=later))
    assert "Failed" not in conditions(asleep.status or suspended.status)
    resumed = plan_job(snapshot(job(suspended.status.document(), activeDeadlineSeconds=310), now=later))
    assert (resumed.status.suspend_time, resumed.status.suspended_seconds) == (None, 3 * 86400)
    assert resumed.requeue_after == timedelta(seconds=10)
    after = later + timedelta(seconds=10)
    failed = plan_job(snapshot(job(resumed.status.document(), activeDeadlineSeconds=310), now=after))
    assert conditions(failed.status)["Failed"].reason == "DeadlineExceeded"
