"""A pod that fails again and again waits before it is created again, and the status says until when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.failure_budget import FailureBudget
from llmtrain_api.job_status import Failure, JobStatus, Recoveries
from llmtrain_api.timestamps import format_rfc3339
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.failed_pods import failed_pod_entries
from llmtrain_operator.core.policies.failure_policy import record_failures
from llmtrain_operator.core.policies.incidents import incidents_in_window
from llmtrain_operator.core.policies.restart_backoff import Restart, delayed_restarts
from unit.operator.builders import (
    DATASET,
    NOW,
    ago,
    conditions,
    coordinator_status,
    failed_pod,
    job,
    names,
    pending_pod,
    pod,
    snapshot,
    started,
)

HOUR = FailureBudget(max_failures=100, window_seconds=3600)
TEN = FailureBudget(max_failures=10, window_seconds=3600)
COORDINATOR = pod("j-coordinator", "coordinator")


def failures(*seconds: float, name: str = "j-worker-1", **fields: Any) -> list[Failure]:
    """Return failures of a pod, the given seconds before NOW."""
    default = {"pod": name, "node": "node-1", "reason": "Crashed"}
    return [Failure(**{**default, "uid": f"{name}-{age}", "time": ago(age), **fields}) for age in seconds]


def delayed(recent: list[Failure], budget: FailureBudget = HOUR) -> tuple[Restart, ...]:
    """Return what waits after these failures, as the status of an older operator has them."""
    return delayed_restarts(failed_pod_entries(Recoveries(recent=recent), budget).values(), budget, NOW)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        pytest.param(failures(0), None, id="the first replacement is immediate"),
        pytest.param(failures(50, 0), 1, id="the second waits for a second"),
        pytest.param(failures(50, 40, 0.5), 1.5, id="from the last failure on"),
        pytest.param(failures(50, 40, 2), None, id="until the delay has passed"),
        pytest.param(failures(*range(70, 0, -5)), 55, id="at most for a minute"),
        pytest.param(failures(5000, 4000, 0), None, id="failures before the window do not count"),
        pytest.param(failures(20, 10, 0, reason="NodeLost"), None, id="the node's fault"),
        pytest.param(failures(20, 10, 0, reason="ProcessDied"), None, id="processes that were replaced in the pod"),
        pytest.param(failures(20, 10, 0, time="?"), None, id="times that cannot be read"),
        pytest.param(failures(-7200, -7000), None, id="times of a clock that is ahead"),
    ],
)
def test_when_a_pod_is_created_again(recent: list[Failure], expected: float | None) -> None:
    restarts = delayed(recent)
    assert [(restart.time - NOW).total_seconds() for restart in restarts] == ([] if expected is None else [expected])


def test_each_pod_has_its_own_delay() -> None:
    recent = failures(9, 0, name="j-worker-0") + failures(0) + failures(9, 8, 0, name="j-prepare")
    found = {restart.pod: restart.failures for restart in delayed(recent)}
    assert found == {"j-prepare": 3, "j-worker-0": 2}


def plan(recent: list[Failure], *pods: Any, **status: Any) -> Plan:
    recoveries = {"recent": [failure.document() for failure in recent], "times": [failure.time for failure in recent]}
    return plan_job(snapshot(job(started(recoveries=recoveries, **status)), pods=pods))


def test_a_worker_that_fails_repeatedly_is_created_later_and_the_others_at_once() -> None:
    waiting = plan(failures(60, 30, 1), pod("j-coordinator", "coordinator"), dataset=DATASET)
    assert "Pod j-worker-0" in names(waiting.apply)
    assert "Pod j-worker-1" not in names(waiting.apply)
    scheduled = conditions(waiting.status)["Scheduled"]
    assert (scheduled.status, scheduled.reason) == ("False", "BackOff")
    assert "pod j-worker-1 has failed 3 times, less than 3600 s apart, at last with Crashed" in scheduled.message
    assert f"is created again at {ago(-1)}" in scheduled.message
    assert "so far there were 3 incidents within 3600 s, and spec.recovery.maxFailures is 10" in scheduled.message
    assert "correct their cause" in scheduled.message
    due = plan(failures(60, 30, 2), pod("j-coordinator", "coordinator"), dataset=DATASET)
    assert "Pod j-worker-1" in names(due.apply)


def test_a_stage_without_workers_waits_too_and_is_reconciled_in_time() -> None:
    waiting = plan(failures(60, 30, 20, 0, name="j-prepare"))
    assert "Pod j-prepare" not in names(waiting.apply)
    assert waiting.requeue_after == timedelta(seconds=4)


def test_a_pod_that_exists_is_not_affected() -> None:
    running = (pod("j-worker-0"), pod("j-worker-1"), pod("j-coordinator", "coordinator"))
    found = plan(failures(60, 30, 1), *running, dataset=DATASET)
    assert conditions(found.status)["Scheduled"].status == "True"


def test_another_cause_stays_beside_the_delay() -> None:
    found = plan(
        failures(60, 30, 1),
        pod("j-coordinator", "coordinator"),
        pending_pod("j-worker-0", unschedulable="no room"),
        dataset=DATASET,
    )
    scheduled = conditions(found.status)["Scheduled"]
    assert scheduled.reason == "Unschedulable"
    assert "no room" in scheduled.message
    assert "is created again at" in scheduled.message


def test_a_crash_loop_fails_the_job_within_minutes_although_it_slows_down() -> None:
    status, now, crashes = JobStatus(), NOW, 0
    default = TEN
    while not default.is_exceeded(len(incidents_in_window(status.recoveries.times, default, now))):
        now = max([now, *(restart.time for restart in delayed_restarts(status.recoveries.pods, default, now))])
        now, crashes = now + timedelta(seconds=5), crashes + 1
        (crash,) = failures(0)
        status = record_failures(
            status, (crash.model_copy(update={"uid": str(crashes), "time": format_rfc3339(now)}),), default, now
        )
    assert timedelta(minutes=8) < now - NOW < timedelta(minutes=12)
    assert crashes == 16


@pytest.mark.parametrize("workers", [8, 64, 512])
def test_a_crash_loop_of_many_workers_slows_down_and_fails_the_job_as_that_of_one_does(workers: int) -> None:
    spec = {"workers": {"replicas": workers}, "training": {"steps": 100, "microbatches": 512}}
    coordinator = coordinator_status("Waiting", generation=3, joined=0)  # no further generation in all that time
    status = job(started(dataset=DATASET, stage="Training", coordinatorTerm=1)).status
    now, starts, longest = NOW, 0, 0
    while status.stage != "Failed":
        failed = tuple(
            failed_pod(f"j-worker-{number}", uid=f"{starts}-{number}", node=f"node-{number}")
            for number in range(workers)
        )
        for pods in (failed, failed, ()):
            the_job = replace(job(**spec), status=status)
            found = plan_job(snapshot(the_job, now=now, pods=(*pods, COORDINATOR), coordinator=coordinator))
            status = found.status or status
        longest = max(longest, len(status.model_dump_json(by_alias=True, exclude_none=True)))
        due = [restart.time for restart in delayed_restarts(status.recoveries.pods, TEN, now)]
        assert not due or not [name for name in names(found.apply) if "worker" in name], "none is created too early"
        now, starts = max([now, *due]) + timedelta(seconds=5), starts + 1
        assert starts <= 20
    assert conditions(status)["Failed"].reason == "TooManyFailures"
    assert (starts, status.recoveries.count) == (16, 16 * workers)
    assert timedelta(minutes=8) < now - NOW < timedelta(minutes=12)
    assert longest < 20_000 + 250 * workers, "the entries of the pods are short"
