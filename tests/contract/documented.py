"""Shared by the rules of documented commands and YAML: the repository, and the error that rules raise."""

import argparse
from pathlib import Path
from typing import NoReturn

from support.markdown import Page

ROOT = Path(__file__).parents[2]
USERS_FILES = {"job.yaml", "books"}
"""Files of the reader that commands name without a page that asks to save them."""


class Undocumented(AssertionError):
    """A command that no rule covers, or that names something that does not exist."""


class StrictParser(argparse.ArgumentParser):
    """Raises Undocumented where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        """Raise Undocumented with argparse's message."""
        raise Undocumented(f"{self.prog}: {message}")


def known_file(name: str, page: Page) -> None:
    """Require a file that is in the repository, or that the page asks to save."""
    if not (name in page.saved or name in USERS_FILES or (ROOT / name).exists()):
        raise Undocumented(f"{name}: neither in the repository nor saved by {page.path.name}")
