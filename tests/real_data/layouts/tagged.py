"""Layouts of words with tags: CoNLL's columns, with a blank line after each sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Sentence = Sequence[tuple[str, str]]
"""Words with their tags."""


def write_two_columns(folder: Path, parts: Mapping[str, Sequence[Sentence]]) -> None:
    """Write `<part>.conll` with a word and its tag a line, separated by a tab."""
    for part, sentences in parts.items():
        lines = ["".join(f"{word}\t{tag}\n" for word, tag in sentence) + "\n" for sentence in sentences]
        (folder / f"{part}.conll").write_text("".join(lines), encoding="utf-8", newline="")


def write_four_columns(folder: Path, parts: Mapping[str, Sequence[Sentence]]) -> None:
    """Write `<part>.txt` as in CoNLL-2003: word, part of speech, chunk and tag, and a line before the first sentence.

    Parts of speech and chunks are unknown, `-X-`.
    """
    for part, sentences in parts.items():
        lines = ["".join(f"{word} -X- -X- {tag}\n" for word, tag in sentence) + "\n" for sentence in sentences]
        (folder / f"{part}.txt").write_text("-DOCSTART- -X- -X- O\n\n" + "".join(lines), encoding="utf-8", newline="")
