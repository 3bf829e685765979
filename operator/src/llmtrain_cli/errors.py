"""How a command ends otherwise than well. Every error is one sentence for whoever typed the command.

CommandError
├── BadInput     exit code 2: the same again would end the same way
├── RunFailed    exit code 1
└── Interrupted  exit code 130: asked to stop
"""

from typing import ClassVar


class CommandError(Exception):
    """The base of all errors of the command line."""

    exit_code: ClassVar[int] = 1


class BadInput(CommandError):
    """What was asked for can't be had; the sentence names the remedy."""

    exit_code = 2


class RunFailed(CommandError):
    """Something broke."""


class Interrupted(CommandError):
    """Somebody asked to stop."""

    exit_code = 130
