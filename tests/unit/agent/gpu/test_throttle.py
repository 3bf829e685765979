import pytest

from llmtrain_agent.gpu.throttle import throttled


@pytest.mark.parametrize(
    ("bits", "reasons", "why"),
    [
        (0x0, set(), "full clocks"),
        (0x1 | 0x2 | 0x10 | 0x100, set(), "idle, set so, in step with others, or a display: nothing is wrong"),
        (0x4, {"power"}, "at the power limit"),
        (0x20, {"thermal"}, "software slows for heat"),
        (0x8, {"hardware"}, "the board slows, for a reason it doesn't say"),
        (0x8 | 0x40, {"hardware", "thermal"}, "the board slows for heat"),
        (0x8 | 0x80, {"hardware", "power"}, "the power supply asks for less"),
    ],
)
def test_reasons_by_bit(bits: int, reasons: set[str], why: str) -> None:
    told = throttled(bits)
    assert {reason for reason, holds in told.items() if holds} == reasons, why
    assert set(told) == {"power", "thermal", "hardware"}


def test_what_is_not_said_holds_no_reason() -> None:
    assert throttled(None) == {}
