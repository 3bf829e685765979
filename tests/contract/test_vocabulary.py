"""One vocabulary: the terms of `docs/glossary.md`, in plain technical English, and none of the names they replaced."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTS = {"tests/contract/test_vocabulary.py", "CHANGELOG.md"}
"""Files that name the words: this list, and the changelog, which says what was renamed."""
TEXT = {".py", ".md", ".yaml", ".yml", ".json", ".toml", ".sh", ".tpl", ".txt", ".c", ".go", ".html", ""}
"""Suffixes of the files that are read; those of other people's texts (licences, locks) are not among them."""
OTHERS = re.compile(r"LICENSE|CODE_OF_CONDUCT|\.lock$|go\.(mod|sum)$|\.png$")

BANNED = (
    "told",
    "tells",
    "anew",
    "whoever",
    "whomever",
    "shall",
    "be had",
    "put up with",
    "puts up with",
    "nobody",
    "somebody",
    "meanwhile",
    "manieth",
    "heed",
    "farewell",
    "goodbye",
    "mourn",
    "mourned",
    "bury",
    "buried",
    "roster",
    "rung",
    "rungs",
    "crew",
    "lesson",
    "summoned",
    "wishes",
    "be it",
    "of its own accord",
    "hang up",
    "hung up",
)
"""Words of a dialect, which a reader from this field would neither type nor expect."""
WORDS = re.compile(r"(?<![a-z])(" + "|".join(re.escape(word) for word in BANNED) + r")(?![a-z])")
HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")


def tracked() -> list[str]:
    """Return the paths of the texts that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [path for path in listed.split("\0") if path and Path(path).suffix in TEXT and path not in LISTS]
    return [path for path in paths if not OTHERS.search(path) and (ROOT / path).is_file()]


def test_no_text_and_no_name_uses_a_banned_word() -> None:
    found = []
    for path in tracked():
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            spread = HUMPS.sub(" ", line).lower()
            found += [f"{path}:{number}: {word}" for word in WORDS.findall(spread)]
    assert not found, "\n".join(found)
