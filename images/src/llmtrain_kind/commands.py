"""Runs other programs; nearly all processes are started here."""

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

    The arguments are text and paths. `environment` is added to this process' own. CommandFailed on a non-zero exit code,
    a missing program, or a timeout.
    """
    arguments = [str(argument) for argument in command]
    try:
        done = subprocess.run(
            arguments,
            env={**os.environ, **(environment or {})},
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as timeout:
        raise CommandFailed(arguments, 124, f"timed out after {timeout_seconds} s") from timeout
    except FileNotFoundError as missing:
        raise CommandFailed(arguments, 127, f"{arguments[0]} is not installed") from missing
    if done.returncode != 0:
        raise CommandFailed(arguments, done.returncode, done.stdout + done.stderr)
    return done.stdout


def succeeds(command: Sequence[object], *, timeout_seconds: float = 30.0) -> bool:
    """Return whether a program exits with code 0."""
    try:
        run(command, timeout_seconds=timeout_seconds)
    except CommandFailed:
        return False
    return True
