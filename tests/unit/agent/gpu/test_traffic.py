"""A rate of PCIe traffic is known only between two samples of a counter that cannot have wrapped."""

import pytest

from llmtrain_agent.gpu.traffic import CounterSample, bytes_per_second

BEFORE = CounterSample(count_bytes=5e9, time_us=1_000_000)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(BEFORE, CounterSample(count_bytes=6e9, time_us=3_000_000), 5e8, id="1 GB in two seconds"),
        pytest.param(BEFORE, CounterSample(count_bytes=5e9, time_us=3_000_000), 0.0, id="no traffic is a known rate"),
        pytest.param(None, BEFORE, None, id="one sample is no rate"),
        pytest.param(BEFORE, CounterSample(count_bytes=1e9, time_us=3_000_000), None, id="it wrapped or was reset"),
        pytest.param(BEFORE, CounterSample(count_bytes=6e9, time_us=1_000_000), None, id="no time has passed"),
        pytest.param(
            CounterSample(count_bytes=3e9, time_us=1_000_000),
            CounterSample(count_bytes=4e9, time_us=3_000_000),
            None,
            id="below 2^32 it can wrap between two samples",
        ),
    ],
)
def test_bytes_per_second(before: CounterSample | None, after: CounterSample, expected: float | None) -> None:
    assert bytes_per_second(before, after) == expected
