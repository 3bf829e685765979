"""Instants as the API writes them."""

from datetime import UTC, datetime


def format_rfc3339(instant: datetime) -> str:
    """Return RFC 3339 with milliseconds, in UTC."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return the instant that RFC 3339 `text` names."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def format_duration(seconds: float) -> str:
    """Return a length of time for people: 42s, 3m20s, 5h7m, 2d3h."""
    whole = max(0, round(seconds))
    for unit, size, next_unit, next_size in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // next_size}{next_unit}"
    return f"{whole}s"
