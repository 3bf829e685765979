"""The tutorial's files and commands, for the tests that run it."""

import shutil
from itertools import groupby
from pathlib import Path

from support.markdown import Page

ROOT = Path(__file__).parents[2]
TUTORIAL = Page(ROOT / "docs" / "tutorial.md")
ON_ONE_MACHINE = (("1. Train on your machine", 0), ("On your machine", 0), ("On your machine", 1))
"""Sections that tests/integration/local/test_tutorial.py runs, as `commands_below` takes them."""
ON_A_CLUSTER = (("2. Train on a cluster", 0), ("On the cluster", 0), ("On the cluster", 1), ("Clean up", 0))
"""Sections that tests/e2e/test_tutorial.py runs."""
FIXTURES = (
    "make demo",
    'eval "$(PYTHONPATH=images/src python3 -m llmtrain_kind env)"',
    "make demo-down",
    "rm -r .llmtrain",
)
"""Commands of those sections that `make e2e` and the fixtures of the tests replace."""


def save_files(folder: Path) -> None:
    """Put into a folder what the tutorial expects there: the files it asks to save, and the docs that it trains on."""
    for name, text in TUTORIAL.saved.items():
        (folder / name).write_text(text)
    shutil.copytree(ROOT / "docs", folder / "docs")


def commands_below(heading: str, number: int = 0) -> list[str]:
    """Return the commands below a heading, in order; `number` counts the headings of the same text from 0."""
    shell = (block for block in TUTORIAL.blocks if block.language == "sh")
    sections = [(above[-1], list(blocks)) for above, blocks in groupby(shell, key=lambda block: block.headings)]
    found = [blocks for name, blocks in sections if name == heading]
    return [command for block in found[number] for command in block.commands]
