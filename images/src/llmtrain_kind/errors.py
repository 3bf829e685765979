"""The errors a person sees, each a sentence that says what to do.

KindError
├── Unsupported     this machine can't do it; the message says what to install
└── CommandFailed   a program ended with an error; holds its last lines
"""


class KindError(Exception):
    """Anything that stops a verb; printed without a traceback."""


class Unsupported(KindError):
    """The machine lacks something that a person has to provide."""


class CommandFailed(KindError):
    """A program ended with a non-zero exit code."""

    def __init__(self, command: list[str], exit_code: int, output: str) -> None:
        """Keep the command and the end of what it printed."""
        tail = "\n".join(output.strip().splitlines()[-25:])
        super().__init__(f"`{' '.join(command)}` ended with code {exit_code}:\n{tail}")
        self.exit_code = exit_code
        self.output = output
