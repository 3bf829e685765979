"""Sentences of loan agreements with the persons, organisations and places in them (evals, `ner_finance`)."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from real_data.errors import Unreadable

FILE = "evals/registry/data/ner_finance/samples.jsonl"
WORD = re.compile(r"\w+|[^\w\s]")
ENTITY = re.compile(r"(.+?) - (PERSON|ORGANIZATION|LOCATION)(?:, |$)")
TAGS = {"PERSON": "PER", "ORGANIZATION": "ORG", "LOCATION": "LOC"}
"""CoNLL-2003's names."""


def read_sentences(package: Path) -> list[list[tuple[str, str]]]:
    """Return the words of each sentence with tags B-PER, I-PER, O and so on (IOB2)."""
    path = package / FILE
    sentences = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line:
            continue
        sample = json.loads(line)
        words = WORD.findall(sample["input"][-1]["content"])
        try:
            sentences.append(list(zip(words, iob2(words, entities(sample["ideal"])), strict=True)))
        except ValueError as error:
            raise Unreadable(f"{path}:{number}: {error}") from error
    return sentences


def entities(answer: str) -> list[tuple[list[str], str]]:
    """Return the entities of `[Bank - ORGANIZATION, Borrower - PERSON]`: their words and tag, in order."""
    return [(WORD.findall(name), TAGS[kind]) for name, kind in ENTITY.findall(answer.strip().strip("[]"))]


def iob2(words: Sequence[str], found: Sequence[tuple[list[str], str]]) -> list[str]:
    """Return a tag for each word. ValueError if an entity isn't among the words after the previous one."""
    tags = ["O"] * len(words)
    position = 0
    for name, kind in found:
        starts = range(position, len(words) - len(name) + 1)
        start = next((each for each in starts if list(words[each : each + len(name)]) == name), None)
        if start is None:
            raise ValueError(f"the entity {' '.join(name)!r} is not in the sentence after word {position}")
        position = start + len(name)
        tags[start:position] = [f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
    return tags
