"""Conditions that a stage sets."""

from dataclasses import replace

from llmtrain_api.conditions import Condition, JobCondition, Reason
from llmtrain_operator.core.stage_plan import ConditionUpdate, update_conditions, with_cause
from unit.operator.builders import NOW, ago

RUNNING = ConditionUpdate(type=JobCondition.RUNNING, status=True, reason=Reason.TRAINING, message="trains")
BEFORE = [
    Condition(type="Scheduled", status="True", reason="Scheduled", message="", last_transition_time=ago(60)),
    Condition(type="Running", status="True", reason="Starting", message="", last_transition_time=ago(60)),
]


def test_a_condition_is_added_with_time_and_generation() -> None:
    (found,) = update_conditions([], (RUNNING,), now=NOW, metadata_generation=3)
    assert (found.type, found.status, found.reason) == ("Running", "True", "Training")
    assert (found.last_transition_time, found.observed_generation) == (ago(0), 3)


def test_the_transition_time_changes_only_with_the_status() -> None:
    scheduled, running = update_conditions(BEFORE, (RUNNING,), now=NOW, metadata_generation=3)
    assert scheduled == BEFORE[0]
    assert (running.reason, running.last_transition_time) == ("Training", ago(60))


def test_the_last_of_several_updates_of_one_type_counts() -> None:
    stopped = replace(RUNNING, status=False)
    _, running = update_conditions(BEFORE, (stopped, RUNNING), now=NOW, metadata_generation=3)
    assert (running.status, running.last_transition_time) == ("True", ago(60))


def test_the_conditions_before_are_not_changed() -> None:
    update_conditions(BEFORE, (RUNNING,), now=NOW, metadata_generation=3)
    assert BEFORE[1].reason == "Starting"


def test_a_cause_replaces_a_mere_waiting_and_joins_another_cause() -> None:
    waiting = replace(RUNNING, status=False, reason=Reason.WAITING, message="0 of 1")
    found = with_cause(waiting, Reason.BACK_OFF, "it waits")
    assert (found.reason, found.message) == ("BackOff", "0 of 1: it waits")
    blocked = with_cause(replace(waiting, reason=Reason.UNSCHEDULABLE), Reason.BACK_OFF, "it waits")
    assert (blocked.reason, blocked.message) == ("Unschedulable", "0 of 1; it waits")
    for other in (RUNNING, replace(waiting, type=JobCondition.DEGRADED)):
        assert with_cause(other, Reason.BACK_OFF, "it waits") == other
