"""What the commands on published models have in common: the folders in their arguments, and how they end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from llmtrain_api.termination import ExitCode
from llmtrain_trainer.errors import BadInput


def model_arguments(description: str, *files: str) -> argparse.ArgumentParser:
    """Return the parser of `folders`, those of models, and then files of these names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folders", type=Path, nargs="+")
    for name in files:
        parser.add_argument(name, type=Path)
    return parser


def exit_code_of(command: Callable[[], str]) -> int:
    """Run a command, and print what it returns; return the exit code. BadInput is printed as an error."""
    try:
        print(command())
    except BadInput as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_INPUT
    return ExitCode.SUCCESS
