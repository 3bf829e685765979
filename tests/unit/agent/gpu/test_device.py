"""Throttle reasons are decoded from NVML's bits."""

import pytest

from llmtrain_agent.gpu.device import throttled


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        pytest.param(0x0, set(), id="full clocks"),
        pytest.param(0x1 | 0x2 | 0x10 | 0x100, set(), id="idle, configured clocks, sync boost, display"),
        pytest.param(0x4, {"power"}, id="at the power limit"),
        pytest.param(0x20, {"thermal"}, id="software thermal slowdown"),
        pytest.param(0x8, {"hardware"}, id="hardware slowdown without a reason"),
        pytest.param(0x8 | 0x40, {"hardware", "thermal"}, id="hardware thermal slowdown"),
        pytest.param(0x8 | 0x80, {"hardware", "power"}, id="power brake of the power supply"),
    ],
)
def test_throttle_reasons_by_bit(bits: int, expected: set[str]) -> None:
    reasons = throttled(bits)
    assert {reason for reason, applies in reasons.items() if applies} == expected
    assert set(reasons) == {"power", "thermal", "hardware"}


def test_unknown_bits_have_no_reasons() -> None:
    assert throttled(None) == {}
