"""Throughput covers the last few steps; about a hundred steps of a job are logged."""

from llmtrain_trainer.trainer.throughput import ThroughputMeter


def test_throughput_is_that_of_the_last_ten_steps() -> None:
    meter = ThroughputMeter(steps=100, now=0.0)
    assert meter.tokens_per_second == 0.0
    for second in range(10, 40, 10):
        meter.after_step(second, tokens=50)
    assert meter.tokens_per_second == 5.0
    for second in range(31, 51):
        meter.after_step(second, tokens=50)
    assert meter.tokens_per_second == 50.0


def test_a_long_fast_job_logs_about_a_hundred_steps_with_the_first_and_last() -> None:
    meter = ThroughputMeter(steps=10_050, now=0.0)
    logged = [step for step in range(1, 10_051) if meter.should_log(step, now=step * 0.001)]
    assert 95 < len(logged) < 110
    assert {1, 10_050} <= set(logged)


def test_a_slow_job_logs_every_step() -> None:
    meter = ThroughputMeter(steps=100_000, now=0.0)
    assert [step for step in range(1, 6) if meter.should_log(step, now=step * 6.0)] == [1, 2, 3, 4, 5]
