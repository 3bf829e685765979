"""Speed is that of the last few steps; about a hundred of them are logged."""

from llmtrain_trainer.trainer.throughput import ThroughputMeter


def test_speed_is_that_of_the_last_ten_steps() -> None:
    pace = ThroughputMeter(steps=100, now=0.0)
    assert pace.tokens_per_second == 0.0
    for second in range(10, 40, 10):
        pace.after_step(second, tokens=50)
    assert pace.tokens_per_second == 5.0
    for second in range(31, 51):
        pace.after_step(second, tokens=50)
    assert pace.tokens_per_second == 50.0


def test_a_long_fast_job_has_about_a_hundred_lines_with_the_first_and_last() -> None:
    pace = ThroughputMeter(steps=10_050, now=0.0)
    logged = [step for step in range(1, 10_051) if pace.should_log(step, now=step * 0.001)]
    assert 95 < len(logged) < 110
    assert {1, 10_050} <= set(logged)


def test_a_slow_job_is_never_silent_for_long() -> None:
    pace = ThroughputMeter(steps=100_000, now=0.0)
    assert [step for step in range(1, 6) if pace.should_log(step, now=step * 6.0)] == [1, 2, 3, 4, 5]
