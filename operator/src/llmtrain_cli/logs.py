"""`llmtrain logs`: JSON log lines of the trainer, the coordinator and the operator, for people."""

import json
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from llmtrain_cli.errors import BadInput

OWN_PLACE = ("time", "level", "event")
BELOW = ("traceback",)
"""Facts of many lines, shown below the event."""


def show(path: str) -> None:
    """Print the lines of a file, or of standard input for "-"."""
    if path == "-":
        _print(sys.stdin)
        return
    try:
        with open(path, errors="replace") as stream:
            _print(stream)
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}.") from None


def readable(line: str) -> str:
    """Return a log line as people read it; what is not a JSON log line stays as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "event" not in entry:
        return line
    facts = [f"{name}={_fact(value)}" for name, value in entry.items() if name not in OWN_PLACE + BELOW]
    head = f"{_clock(str(entry.get('time', '')))} {str(entry.get('level', '')).upper():<7} {entry['event']}"
    below = [f"    {part}" for name in BELOW for part in str(entry.get(name, "")).splitlines()]
    return "\n".join(["  ".join([head, *([" ".join(facts)] if facts else [])]), *below])


def _print(lines: Iterable[str], stream: TextIO | None = None) -> None:
    try:
        for line in lines:
            print(readable(line.rstrip("\n")), file=stream or sys.stdout, flush=True)
    except BrokenPipeError:
        # Whoever read the lines has seen enough, such as `head`; nothing is left to be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _clock(time: str) -> str:
    """Return the time of day in an RFC 3339 instant: lines of one log are seldom days apart."""
    return time.partition("T")[2].removesuffix("Z") or time or "-"


def _fact(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if not value or " " in value or "=" in value else value
    return json.dumps(value, ensure_ascii=False)
