"""One vocabulary: the terms of `docs/glossary.md`, in plain technical English, and none of the names they replaced."""

import re

import pytest

from contract.tracked_texts import ROOT, tracked_texts

BANNED = (
    "tell",
    "tells",
    "told",
    "says it",
    "heard of",
    "looked for",
    "go on",
    "goes on",
    "in vain",
    "for ever",
    "put right",
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
"""Words that documentation of this field does not use."""
GAP = r"(?:[ \t]+|[ \t]*[\"']?[ \t]*\n[ \t]*(?:#|//|\*|f?[\"'])?[ \t]*)"
"""Between two words of a phrase: spaces, or a line break in prose, in a comment or between two parts of a string."""
WORDS = re.compile(r"(?<![a-z])(" + "|".join(word.replace(" ", GAP) for word in BANNED) + r")(?![a-z])")
HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")


def banned_words(text: str) -> list[str]:
    """Return each banned word or phrase in a text with the number of its line."""
    spread = HUMPS.sub(" ", text).lower()
    return [
        f"{spread.count(chr(10), 0, match.start()) + 1}: {' '.join(re.findall('[a-z]+', match.group()))}"
        for match in WORDS.finditer(spread)
    ]


def test_no_text_and_no_name_uses_a_banned_word() -> None:
    found = [f"{path}:{word}" for path in tracked_texts() for word in banned_words((ROOT / path).read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("x\nIt goes\n  on.", ["2: goes on"], id="a phrase that wraps"),
        pytest.param("# It goes\n# on.", ["1: goes on"], id="a comment that wraps"),
        pytest.param('"It goes "\n"on."', ["1: goes on"], id="a string in two parts"),
        pytest.param("def goesOn(tell_us): ...", ["1: goes on", "1: tell"], id="names"),
        pytest.param("It goes\n\nOn Monday, foretell it.", [], id="two paragraphs, and a longer word"),
    ],
)
def test_a_phrase_is_found_in_every_form(text: str, found: list[str]) -> None:
    assert banned_words(text) == found
