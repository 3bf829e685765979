import pytest

from llmtrain_agent.gpu.rate import CounterSample, bytes_per_second

BEFORE = CounterSample(count_bytes=5e9, time_us=1_000_000)


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (BEFORE, CounterSample(count_bytes=6e9, time_us=3_000_000), 5e8, "a GB in two seconds"),
        (BEFORE, CounterSample(count_bytes=5e9, time_us=3_000_000), 0.0, "nothing was sent, and that is known"),
        (None, BEFORE, None, "one count is no rate"),
        (BEFORE, CounterSample(count_bytes=1e9, time_us=3_000_000), None, "it wrapped or was reset"),
        (BEFORE, CounterSample(count_bytes=6e9, time_us=1_000_000), None, "no time has passed"),
        (
            CounterSample(count_bytes=3e9, time_us=1_000_000),
            CounterSample(count_bytes=4e9, time_us=3_000_000),
            None,
            "below 2^32 it may wrap between the two",
        ),
    ],
)
def test_rate(before: CounterSample | None, after: CounterSample, expected: float | None, why: str) -> None:
    assert bytes_per_second(before, after) == expected, why
