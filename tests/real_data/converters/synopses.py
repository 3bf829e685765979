"""Descriptions of Debian's packages with their synopsis, a summary in one line (apt's package lists)."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from real_data.layouts.pairs import one_line

MIN_WORDS = 20
"""Shorter descriptions say little more than their synopsis."""
DESCRIPTION = re.compile(r"^Description-en: (.*)\n((?: .*(?:\n|\Z))*)", re.MULTILINE)


class Description(NamedTuple):
    """A description in one line, its synopsis, and the hash that Debian identifies it by."""

    text: str
    synopsis: str
    identity: str


def read_descriptions(package: Path) -> tuple[int, list[Description]]:
    """Return the number of descriptions, and those with at least 20 words. Lines with a dot separate paragraphs."""
    found: dict[str, Description] = {}
    for path in sorted(package.iterdir()):
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            identity = re.search(r"^Description-md5: (\w+)$", stanza, re.MULTILINE)
            description = DESCRIPTION.search(stanza)
            if identity and description:
                found[identity[1]] = Description(
                    one_line(re.sub(r"^ \.$", "", description[2], flags=re.MULTILINE)), description[1], identity[1]
                )
    return len(found), different([each for each in found.values() if len(each.text.split()) >= MIN_WORDS])


def different(descriptions: Sequence[Description]) -> list[Description]:
    """Return the first of the descriptions with the same text: transitional packages share theirs."""
    first: dict[str, Description] = {}
    for each in descriptions:
        first.setdefault(each.text, each)
    return list(first.values())
