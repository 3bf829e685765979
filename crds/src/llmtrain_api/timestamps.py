"""Instants and durations as the API and the logs write them. Standard library only."""

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
MAX_RFC3339 = 32
"""Characters of an instant in a status field."""
FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years of the instants that are read: no sum or difference of these leaves what a datetime can hold."""


def format_rfc3339(instant: datetime) -> str:
    """Return an aware datetime as RFC 3339 in UTC with milliseconds: 2026-11-23T10:00:00.123Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return the aware datetime that RFC 3339 `text` denotes, in UTC if it names no zone.

    ValueError if it is malformed, or of no year from `FIRST_YEAR` to `LAST_YEAR`.
    """
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError(f"{text} is no instant of the years {FIRST_YEAR} to {LAST_YEAR}")
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def is_rfc3339(text: str) -> bool:
    """Return whether `text` is an instant that can be read, and that the API server accepts as a status field."""
    return len(text) <= MAX_RFC3339 and bool(_RFC3339.fullmatch(text)) and try_parse_rfc3339(text) is not None


def try_parse_rfc3339(value: object) -> datetime | None:
    """Return the aware datetime that `value` denotes; None if `parse_rfc3339` rejects it. For what others have written."""
    try:
        return parse_rfc3339(value) if isinstance(value, str) else None
    except ValueError:
        return None


def now_rfc3339() -> str:
    """Return the current time as RFC 3339. Not for `core/`, which reads no clock."""
    return format_rfc3339(datetime.now(UTC))


def format_duration(seconds: float) -> str:
    """Return a duration with its two largest units: 42s, 3m20s, 5h7m, 2d3h. Negative durations become 0s."""
    whole = max(0, round(seconds))
    for unit, size, next_unit, next_size in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // next_size}{next_unit}"
    return f"{whole}s"
