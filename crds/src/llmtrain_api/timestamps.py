"""Instants and durations as the API and the logs write them. Standard library only."""

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
MAX_RFC3339 = 32
"""Characters of an instant in a status field."""


def format_rfc3339(instant: datetime) -> str:
    """Return an aware datetime as RFC 3339 in UTC with milliseconds: 2026-11-23T10:00:00.123Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return the aware datetime that RFC 3339 `text` denotes, in UTC if it names no zone. ValueError if it is malformed."""
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def is_rfc3339(text: str) -> bool:
    """Return whether `text` is an instant that the API server accepts as a status field."""
    try:
        return len(text) <= MAX_RFC3339 and bool(_RFC3339.fullmatch(text)) and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def try_parse_rfc3339(value: object) -> datetime | None:
    """Return the aware datetime that `value` denotes; None if it is no RFC 3339 text. For what others have written."""
    try:
        instant = parse_rfc3339(str(value))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


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
