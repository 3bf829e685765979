import pytest

from llmtrain_agent.gpu.rate import Count, bytes_per_second

BEFORE = Count(count_bytes=5e9, time_us=1_000_000)


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (BEFORE, Count(count_bytes=6e9, time_us=3_000_000), 5e8, "a GB in two seconds"),
        (BEFORE, Count(count_bytes=5e9, time_us=3_000_000), 0.0, "nothing was sent, and that is known"),
        (None, BEFORE, None, "one count is no rate"),
        (BEFORE, Count(count_bytes=1e9, time_us=3_000_000), None, "it wrapped or was reset"),
        (BEFORE, Count(count_bytes=6e9, time_us=1_000_000), None, "no time has passed"),
        (
            Count(count_bytes=3e9, time_us=1_000_000),
            Count(count_bytes=4e9, time_us=3_000_000),
            None,
            "below 2^32 it may wrap between the two",
        ),
    ],
)
def test_rate(before: Count | None, after: Count, expected: float | None, why: str) -> None:
    assert bytes_per_second(before, after) == expected, why
