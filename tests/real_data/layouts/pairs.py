"""Layouts of translations, as in WMT: two files of parallel lines, or rows of source and target."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Pair = tuple[str, str]
"""Source and target, each of one line."""


def write_parallel_lines(folder: Path, parts: Mapping[str, Sequence[Pair]], *, source: str, target: str) -> None:
    """Write `<part>.<language>` for both languages: line i of one file is the translation of line i of the other."""
    for part, pairs in parts.items():
        for column, language in enumerate((source, target)):
            lines = [f"{pair[column]}\n" for pair in pairs]
            (folder / f"{part}.{language}").write_text("".join(lines), encoding="utf-8", newline="")


def write_pair_rows(folder: Path, parts: Mapping[str, Sequence[Pair]]) -> None:
    """Write `<part>.tsv` with source and target, without header and quotes. The texts contain no tabs."""
    for part, pairs in parts.items():
        lines = [f"{source}\t{target}\n" for source, target in pairs]
        (folder / f"{part}.tsv").write_text("".join(lines), encoding="utf-8", newline="")


def one_line(text: str) -> str:
    """Return a text with single spaces in place of its white space, also of line separators of Unicode."""
    return " ".join(text.split())
