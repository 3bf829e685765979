"""Instants and durations as the API and the logs write them. Standard library only."""

from datetime import UTC, datetime


def format_rfc3339(instant: datetime) -> str:
    """Return an aware datetime as RFC 3339 in UTC with milliseconds: 2026-11-23T10:00:00.123Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return the aware datetime that RFC 3339 `text` denotes. ValueError if it is malformed."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


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
