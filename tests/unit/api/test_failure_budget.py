from llmtrain_api.failure_budget import FailureBudget, restart_delay_seconds

BUDGET = FailureBudget(max_failures=2, window_seconds=600)


def test_as_many_failures_as_allowed_are_tolerated() -> None:
    assert not BUDGET.is_exceeded(2)


def test_one_failure_more_exceeds_the_budget() -> None:
    assert BUDGET.is_exceeded(3)


def test_a_budget_of_zero_tolerates_no_failure() -> None:
    assert FailureBudget(max_failures=0, window_seconds=600).is_exceeded(1)


def test_failures_count_until_the_window_is_over() -> None:
    assert BUDGET.in_window(599.999)
    assert not BUDGET.in_window(600)


def test_a_failure_in_the_far_future_does_not_count() -> None:
    assert BUDGET.in_window(-5)
    assert not BUDGET.in_window(-600)


def test_the_explanation_names_the_setting() -> None:
    assert BUDGET.explain(3) == "3 failures within 600 s, and spec.recovery.maxFailures is 2"


def test_the_explanation_names_what_is_counted() -> None:
    assert BUDGET.explain(3, "incident").startswith("3 incidents within")


def test_one_failure_is_in_the_singular() -> None:
    assert BUDGET.explain(1).startswith("1 failure within")


def test_the_delays_double_up_to_a_minute() -> None:
    assert [restart_delay_seconds(number) for number in range(12)] == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert restart_delay_seconds(10**6) == 60
