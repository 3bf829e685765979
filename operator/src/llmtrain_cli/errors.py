"""Errors of the command line. Each has a one-line message with the cause and the remedy, and maps to an exit code.

CommandError
├── BadInput     exit code 2: retrying the same command would fail the same way
├── RunFailed    exit code 1
└── Interrupted  exit code 130: stopped by SIGINT, SIGTERM or SIGHUP
"""

from typing import ClassVar


class CommandError(Exception):
    """Base of all errors of the command line; printed without a traceback."""

    exit_code: ClassVar[int] = 1


class BadInput(CommandError):
    """The command's input is not valid; the message names what to change."""

    exit_code = 2


class RunFailed(CommandError):
    """A stage of the run failed."""


class Interrupted(CommandError):
    """The run was stopped by a signal."""

    exit_code = 130
