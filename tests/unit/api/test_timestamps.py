from datetime import UTC, datetime, timedelta, timezone

import pytest

from llmtrain_api.timestamps import (
    format_duration,
    format_rfc3339,
    is_rfc3339,
    now_rfc3339,
    parse_rfc3339,
    try_parse_rfc3339,
)
from support.garbage import EXTREME_INSTANTS

INSTANT = datetime(2026, 11, 23, 10, 0, 0, 123_000, tzinfo=UTC)


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    berlin = timezone(timedelta(hours=1))
    assert format_rfc3339(INSTANT.astimezone(berlin)) == "2026-11-23T10:00:00.123Z"


def test_reading_returns_the_instant_that_was_written() -> None:
    assert parse_rfc3339(format_rfc3339(INSTANT)) == INSTANT


def test_instants_of_kubernetes_without_milliseconds_are_read() -> None:
    assert parse_rfc3339("2026-11-23T10:00:00Z") == INSTANT.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:00:00.123Z", True),
        ("2026-11-23T10:00:00+01:00", True),
        ("2026-11-23T10:00:00", False),
        ("2026-13-23T10:00:00Z", False),
        ("2026-W01-1T10:00:00Z", False),
        ("now", False),
        ("", False),
        *((instant, False) for instant in EXTREME_INSTANTS),
    ],
)
def test_only_what_the_api_server_accepts_is_an_instant(text: str, expected: bool) -> None:
    assert is_rfc3339(text) is expected


def test_an_instant_without_a_zone_is_in_utc() -> None:
    assert parse_rfc3339("2026-11-23T10:00:00") == parse_rfc3339("2026-11-23T10:00:00Z")


def test_malformed_instants_are_rejected() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        parse_rfc3339("yesterday")


@pytest.mark.parametrize("text", EXTREME_INSTANTS)
def test_an_instant_that_nothing_can_be_added_to_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="1970 to 2199"):
        parse_rfc3339(text)


@pytest.mark.parametrize("text", ["1970-01-01T00:00:00+14:00", "2199-12-31T23:59:59-12:00"])
def test_an_instant_that_is_read_can_be_calculated_with(text: str) -> None:
    instant = parse_rfc3339(text)
    assert format_rfc3339(instant)
    for century in (timedelta(days=36500), -timedelta(days=36500)):
        assert instant + century != instant
        assert instant.timestamp()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-11-23T10:00:00.123Z", INSTANT, id="an instant"),
        pytest.param("2026-11-23T10:00:00.123", INSTANT, id="without a zone it is UTC"),
        *(
            pytest.param(value, None, id=repr(value))
            for value in ("yesterday", "", None, 17, [], {"a": 1}, *EXTREME_INSTANTS)
        ),
    ],
)
def test_what_others_have_written_is_an_instant_or_none(value: object, expected: datetime | None) -> None:
    assert try_parse_rfc3339(value) == expected


def test_the_current_time_is_an_instant_in_utc() -> None:
    assert abs(datetime.now(UTC) - parse_rfc3339(now_rfc3339())) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-3, "0s", id="a negative duration is none"),
        pytest.param(42.4, "42s", id="seconds are rounded"),
        pytest.param(200, "3m20s", id="minutes and seconds"),
        pytest.param(5 * 3600 + 7 * 60 + 59, "5h7m", id="hours and minutes"),
        pytest.param(2 * 86400 + 3 * 3600, "2d3h", id="days and hours"),
    ],
)
def test_a_duration_is_written_with_its_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
