"""The texts of the repository whose vocabulary is checked."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".md", ".yaml", ".yml", ".json", ".toml", ".sh", ".tpl", ".txt", ".c", ".h", ".go", ".html", ""}
"""Suffixes of the files that are read."""
OTHERS = re.compile(r"LICENSE|CODE_OF_CONDUCT|\.lock$|go\.(mod|sum)$|\.png$")
LISTS = {"tests/contract/retired_names.yaml", "tests/contract/test_vocabulary.py", "CHANGELOG.md"}
"""Files that contain the words: the two lists, and the changelog, which lists renamed names."""


def tracked_texts() -> list[str]:
    """Return the paths of the texts that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [path for path in listed.split("\0") if path and Path(path).suffix in TEXT and path not in LISTS]
    return [path for path in paths if not OTHERS.search(path) and (ROOT / path).is_file()]
