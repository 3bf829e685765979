"""The values of a record as text, from a row of a table or a line of JSON, and the names to show where one is missing."""

import json
from typing import NamedTuple

from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.personal_data import PersonalMasking, shown_text
from llmtrain_trainer.data.tagged_words import joined_words

MAX_SHOWN_NAMES = 20
JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Numbers stay as they are written, so that a label 4 is the label "4"."""


class Values(NamedTuple):
    """The text and the label of a record, before they are checked."""

    text: str | None
    label: str | None
    others: str = ""
    """What the record has in place of a value that is missing."""
    slices: tuple[str | None, ...] = ()
    """Its values in the columns by which held-out records are judged; None for a column that it does not have."""


def repaired(value: str | None) -> tuple[str, int]:
    """Return a value with U+FFFD for each invalid character, and how many there are; empty if there is no value."""
    text, replaced, _ = repair(value or "")
    return text, replaced


def scalar(value: object) -> str | None:
    """Return a value of JSON as text; None if it is a list, an object, or null."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else None


def json_object(line: str) -> dict[str, object] | None:
    """Return the JSON object in a line; None if there is none."""
    try:
        record = JSON.decode(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def joined_list(values: list[object]) -> str | None:
    """Return the words of a list as one text; None if they are no words."""
    words = [word for word in map(scalar, values) if word is not None]
    return joined_words(words) if len(words) == len(values) else None


def shown(names: list[str], *, masking: PersonalMasking | None = None) -> str:
    """Return the names that there are, for messages; perhaps without personal data, which a line of values has for names."""
    shown = ", ".join(f"'{shown_text(name, masking=masking)[:64]}'" for name in names[:MAX_SHOWN_NAMES]) or "none"
    return shown + (f" and {len(names) - MAX_SHOWN_NAMES} more" if len(names) > MAX_SHOWN_NAMES else "")
