from llmtrain_api.conditions import Condition, is_true, set_condition

NONE: tuple[Condition, ...] = ()


def set_running(conditions: tuple[Condition, ...], status: bool, now: str, message: str = "m") -> tuple[Condition, ...]:
    return set_condition(conditions, "Running", status, "Training", message, now=now, metadata_generation=2)


def test_a_new_condition_is_added_at_the_end() -> None:
    before = set_condition(NONE, "Scheduled", True, "Scheduled", "m", now="t1", metadata_generation=1)
    assert [condition.type for condition in set_running(before, True, "t2")] == ["Scheduled", "Running"]


def test_the_transition_time_changes_with_the_status() -> None:
    (condition,) = set_running(set_running(NONE, True, "t1"), False, "t2")
    assert (condition.status, condition.last_transition_time) == ("False", "t2")


def test_the_transition_time_stays_while_only_the_message_changes() -> None:
    (condition,) = set_running(set_running(NONE, True, "t1"), True, "t2", "another")
    assert (condition.message, condition.last_transition_time) == ("another", "t1")


def test_a_long_message_is_cut() -> None:
    (condition,) = set_running(NONE, True, "t1", "x" * 3000)
    assert len(condition.message) == 2048


def test_a_condition_that_is_false_or_missing_is_not_true() -> None:
    assert is_true(set_running(NONE, True, "t1"), "Running")
    assert not is_true(set_running(NONE, False, "t1"), "Running")
    assert not is_true(NONE, "Running")
