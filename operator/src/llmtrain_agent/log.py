"""The log: one JSON line an event, on standard output."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime


def now() -> str:
    """Return the time of day, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(event: str, facts: Mapping[str, object], *, level: str = "info") -> None:
    """Write one line; facts that are None are left out."""
    line: dict[str, object] = {"time": now(), "level": level, "event": event}
    line |= {name: fact for name, fact in facts.items() if fact is not None}
    print(json.dumps(line, default=str), flush=True)
