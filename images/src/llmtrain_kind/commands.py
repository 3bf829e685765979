"""Runs other programs: the one place that starts processes."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_kind.errors import CommandFailed


def run(
    command: Sequence[object],
    *,
    environment: Mapping[str, str] | None = None,
    input_text: str | None = None,
    folder: Path | None = None,
    timeout_seconds: float | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    The command's words are paths and text. `environment` is added to ours. Raises CommandFailed on a non-zero exit code or
    when the time is over.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(environment or {})},
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(words, 124, f"no end after {timeout_seconds} s") from late
    except FileNotFoundError as missing:
        raise CommandFailed(words, 127, f"{words[0]} is not installed") from missing
    if done.returncode != 0:
        raise CommandFailed(words, done.returncode, done.stdout + done.stderr)
    return done.stdout


def succeeds(command: Sequence[object], *, timeout_seconds: float = 30.0) -> bool:
    """Whether a program runs and ends with code 0."""
    try:
        run(command, timeout_seconds=timeout_seconds)
    except CommandFailed:
        return False
    return True
