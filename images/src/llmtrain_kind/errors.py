"""Errors of the local cluster. The message has the cause and the remedy.

KindError
├── Unsupported     the machine lacks something; the message names what to install
└── CommandFailed   a program failed; the message has its last lines of output
"""


class KindError(Exception):
    """Base of all errors; printed without a traceback."""


class Unsupported(KindError):
    """The machine lacks something that must be installed or configured."""


class CommandFailed(KindError):
    """A program exited with a non-zero code."""

    def __init__(self, command: list[str], exit_code: int, output: str) -> None:
        """Format the command and the last lines of its output."""
        tail = "\n".join(output.strip().splitlines()[-25:])
        super().__init__(f"`{' '.join(command)}` exited with code {exit_code}:\n{tail}")
        self.exit_code = exit_code
        self.output = output
