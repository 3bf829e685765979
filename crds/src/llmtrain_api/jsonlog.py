"""Structured logs: one JSON object per line, in the same form for every program.

Every line has the fields `time` (RFC 3339, UTC), `level` and `event`; `llmtrain_api.events` declares the events and
their further fields. Standard library only, so that every program can import this module.
"""

import json
import logging
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TextIO

from llmtrain_api.timestamps import format_rfc3339

Level = Literal["info", "warning", "error"]

RECENT_LINES = 20
"""Lines that a log keeps for the termination message."""

_WRITE_LOCK = threading.Lock()
"""Held while a line is written, so that lines of several threads do not mix."""


def format_line(event: str, fields: Mapping[str, object], *, level: Level = "info") -> str:
    """Return one log line without its line break.

    Field names are converted to camelCase. Fields that are None are left out; values that JSON cannot represent are
    converted to strings.
    """
    line: dict[str, object] = {"time": format_rfc3339(datetime.now(UTC)), "level": level, "event": event}
    line |= {to_camel(name): value for name, value in fields.items() if value is not None}
    return _to_json(line)


def _to_json(line: Mapping[str, object]) -> str:
    """Return `line` as JSON, which has no numbers for NaN and the infinities: they become strings."""
    try:
        return json.dumps(line, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(line, default=str), parse_constant=str))


def to_camel(name: str) -> str:
    """Return a snake_case name in camelCase: "local_rank" becomes "localRank"."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


@dataclass(frozen=True, kw_only=True)
class JsonLog:
    """Writes log lines to a stream."""

    fields: Mapping[str, object] = field(default_factory=dict)
    """Fields of every line, such as the number of the worker."""
    stream: TextIO | None = None
    """Where lines are written; None is standard output."""
    min_level: Literal["info", "warning"] = "info"
    """Lines below this level are dropped."""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT_LINES))
    """The last lines written, oldest first. Logs made by `bind` and `quiet` share it."""

    def bind(self, **fields: object) -> "JsonLog":
        """Return a log that adds `fields` to every line."""
        return replace(self, fields={**self.fields, **fields})

    def quiet(self) -> "JsonLog":
        """Return a log that drops lines of level "info"."""
        return replace(self, min_level="warning")

    def info(self, event: str, **fields: object) -> None:
        """Write that `event` happened."""
        if self.min_level == "info":
            self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write that `event` happened and may need attention; the process continues."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write that `event` ends the process."""
        self._write("error", event, fields)

    def write_raw(self, line: str) -> None:
        """Write a complete line of another process unchanged."""
        with _WRITE_LOCK:
            print(line, end="" if line.endswith("\n") else "\n", file=self.stream or sys.stdout, flush=True)

    def _write(self, level: Level, event: str, fields: Mapping[str, object]) -> None:
        line = format_line(event, {**self.fields, **fields}, level=level)
        with _WRITE_LOCK:
            self.recent.append(line)
            print(f"{line}\n", end="", file=self.stream or sys.stdout, flush=True)


class JsonFormatter(logging.Formatter):
    """Formats the records of Python's `logging` as log lines.

    `log.warning(OperatorEvent.WATCH_FAILED, extra={"fields": {"kind": "Pod"}})` writes the event with its fields. In records
    of libraries, the formatted message is the event.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` as one JSON object."""
        line: dict[str, object] = {
            "time": format_rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        fields: Mapping[str, object] = getattr(record, "fields", {})
        line |= {to_camel(name): value for name, value in fields.items() if value is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _to_json(line)
