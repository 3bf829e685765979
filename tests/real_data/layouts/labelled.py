"""Layouts of texts with a label: IMDB's folders, SST's trees, AG News' CSV, and files with named columns."""

import csv
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Labelled = tuple[str, str]
"""A text and its label."""
Row = Mapping[str, Any]
"""Values by the name of their column."""


def write_label_folders(folder: Path, parts: Mapping[str, Sequence[Labelled]]) -> None:
    """Write each text into a file of its own, `<part>/<label>/<number>.txt`, as in IMDB."""
    for part, samples in parts.items():
        for label in sorted({label for _, label in samples}):
            (folder / part / label).mkdir(parents=True)
        for number, (text, label) in enumerate(samples):
            (folder / part / label / f"{number}.txt").write_text(text, encoding="utf-8", newline="")


def write_trees(folder: Path, parts: Mapping[str, Sequence[Labelled]]) -> None:
    """Write one bracketed binary tree a line into `<part>.txt`, as in SST: `(3 (2 very) (2 good))`.

    The root has the label. Inner nodes and words are neutral (2), because only whole texts are rated.
    """
    for part, samples in parts.items():
        lines = [f"{tree(text, label)}\n" for text, label in samples]
        (folder / f"{part}.txt").write_text("".join(lines), encoding="utf-8", newline="")


def tree(text: str, label: str) -> str:
    """Return the right-branching tree of a text's words. Brackets in it are written -LRB- and -RRB-."""
    words = [word.replace("(", "-LRB-").replace(")", "-RRB-") for word in re.findall(r"\w+(?:['’]\w+)*|[^\w\s]", text)]
    if len(words) == 1:
        return f"({label} {words[0]})"
    inner = f"(2 {words[-1]})"
    for word in reversed(words[1:-1]):
        inner = f"(2 (2 {word}) {inner})"
    return f"({label} (2 {words[0]}) {inner})"


def write_class_csv(folder: Path, parts: Mapping[str, Sequence[Labelled]]) -> None:
    """Write quoted rows of class number, title and text without a header, and `classes.txt`, as in AG News.

    Class numbers start with 1. Titles are empty, because the texts contain theirs.
    """
    classes = sorted({label for samples in parts.values() for _, label in samples})
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    for part, samples in parts.items():
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerows((classes.index(label) + 1, "", text) for text, label in samples)


def write_columns(
    folder: Path, parts: Mapping[str, Sequence[Row]], *, suffix: str = "csv", dialect: str = "unix"
) -> None:
    """Write rows under a header into `<part>.<suffix>`; the dialect says how values are separated and quoted."""
    for part, rows in parts.items():
        with (folder / f"{part}.{suffix}").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), dialect=dialect, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def write_json_lines(folder: Path, parts: Mapping[str, Sequence[Row]], *, compressed: bool = False) -> None:
    """Write one JSON object a line into `<part>.jsonl`, or `<part>.jsonl.gz`, whose bytes depend on the rows alone."""
    for part, rows in parts.items():
        content = "".join(f"{json.dumps(dict(row), ensure_ascii=False)}\n" for row in rows).encode()
        if compressed:
            (folder / f"{part}.jsonl.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / f"{part}.jsonl").write_bytes(content)
