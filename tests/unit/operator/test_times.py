"""Instants and lengths of time, as people read them."""

import pytest

from llmtrain_api.timestamps import format_duration, format_rfc3339, parse_rfc3339


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (42, "42s"), (200, "3m20s"), (3600, "1h0m"), (18420, "5h7m"), (183600, "2d3h"), (-5, "0s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_stamp_and_parse_are_inverse() -> None:
    text = "2026-11-23T12:00:00.123Z"
    assert format_rfc3339(parse_rfc3339(text)) == text
