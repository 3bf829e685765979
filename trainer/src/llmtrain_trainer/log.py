"""Log lines: one JSON object a line on standard output, so that people and machines read the same."""

import json
import sys
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TextIO

from pydantic.alias_generators import to_camel

KEPT_LINES = 20
_ONE_LINE_AT_A_TIME = threading.Lock()


def timestamp() -> str:
    """Return the time now in UTC, RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True)
class Log:
    """Writes events; `fields` are in every line (such as the worker's number)."""

    fields: dict[str, object] = field(default_factory=dict)
    stream: TextIO | None = None
    """None writes to standard output."""
    min_level: Literal["info", "warning"] = "info"
    """Level below which nothing is written."""
    kept: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines, for the outcome of a stage."""

    def bind(self, **fields: object) -> "Log":
        """Return a log whose lines carry `fields` too."""
        return replace(self, fields={**self.fields, **fields})

    def quiet(self) -> "Log":
        """Return a log that leaves out what is only information: one rank speaks for all."""
        return replace(self, min_level="warning")

    def info(self, event: str, **fields: object) -> None:
        """Write that `event` happened."""
        if self.min_level == "info":
            self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write that `event` happened and somebody may want to look."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write that `event` ended the process."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        line: dict[str, object] = {"time": timestamp(), "level": level, "event": event}
        line |= {to_camel(name): value for name, value in {**self.fields, **fields}.items()}
        text = json.dumps(line, default=str)
        with _ONE_LINE_AT_A_TIME:
            self.kept.append(text)
            print(f"{text}\n", end="", file=self.stream or sys.stdout, flush=True)

    def pass_on(self, line: str) -> None:
        """Write a whole line of another process as it is, not into the middle of one of ours."""
        with _ONE_LINE_AT_A_TIME:
            print(line, end="" if line.endswith("\n") else "\n", file=self.stream or sys.stdout, flush=True)
