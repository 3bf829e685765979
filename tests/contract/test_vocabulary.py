"""One vocabulary: the terms of `docs/glossary.md`, in plain technical English, and none of the names they replaced."""

import re

from contract.tracked_texts import ROOT, tracked_texts

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


def test_no_text_and_no_name_uses_a_banned_word() -> None:
    found = []
    for path in tracked_texts():
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            spread = HUMPS.sub(" ", line).lower()
            found += [f"{path}:{number}: {word}" for word in WORDS.findall(spread)]
    assert not found, "\n".join(found)
