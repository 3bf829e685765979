"""`llmtrain logs`: makes the JSON log lines of the trainer, the coordinator and the operator readable."""

import json
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from llmtrain_cli.errors import BadInput

HEAD_FIELDS = ("time", "level", "event")
MULTILINE_FIELDS = ("traceback",)
"""Fields whose value has several lines, shown indented below the event."""


def show(path: str) -> None:
    """Print the log lines of a file, or of standard input for "-"."""
    if path == "-":
        _print(sys.stdin)
        return
    try:
        with open(path, errors="replace") as stream:
            _print(stream)
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}.") from None


def readable(line: str) -> str:
    """Return a log line in readable form: time, level, event, then the other fields. Other text is returned unchanged."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "event" not in entry:
        return line
    fields = [f"{name}={_value(value)}" for name, value in entry.items() if name not in HEAD_FIELDS + MULTILINE_FIELDS]
    head = f"{_clock(str(entry.get('time', '')))} {str(entry.get('level', '')).upper():<7} {entry['event']}"
    below = [f"    {text}" for name in MULTILINE_FIELDS for text in str(entry.get(name, "")).splitlines()]
    return "\n".join(["  ".join([head, *([" ".join(fields)] if fields else [])]), *below])


def _print(lines: Iterable[str], stream: TextIO | None = None) -> None:
    try:
        for line in lines:
            print(readable(line.rstrip("\n")), file=stream or sys.stdout, flush=True)
    except BrokenPipeError:
        # The reader of our output has exited, such as `head`: discard what is left to be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _clock(time: str) -> str:
    """Return the time of day in an RFC 3339 timestamp: the lines of one log seldom span days."""
    return time.partition("T")[2].removesuffix("Z") or time or "-"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if not value or " " in value or "=" in value else value
    return json.dumps(value, ensure_ascii=False)
