"""Text that other programs report, made safe for a terminal, a log and the Kubernetes API. Standard library only."""

import re
import unicodedata

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""A terminal's escape sequence: a CSI or OSC sequence, or one of two characters."""
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs"})
"""Categories of characters that a terminal obeys, that are invisible, or that UTF-8 cannot encode."""
_READ_PER_CHARACTER = 4
"""How many times the result's characters are read, so that long text costs no more than short text."""


def printable(text: str, max_length: int, *, multiline: bool = False) -> str:
    """Return `text` without escape sequences and control characters, cut to `max_length` characters.

    Line breaks and tabs become spaces, unless it is `multiline`.
    """
    kept = _ESCAPE.sub("", text[: max_length * _READ_PER_CHARACTER])
    if kept.isascii() and kept.isprintable():
        return kept[:max_length]
    return "".join(_printable_character(character, multiline) for character in kept)[:max_length]


def printable_lines(lines: list[str], *, max_lines: int, max_length: int) -> list[str]:
    """Return the last `max_lines` of `lines`, each printable and cut to `max_length` characters."""
    return [printable(line, max_length) for line in lines[-max_lines:]]


def encodable(text: str) -> str:
    """Return `text` with a question mark for each character that UTF-8 cannot encode: half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def _printable_character(character: str, multiline: bool) -> str:
    if character in "\n\t":
        return character if multiline else " "
    return "" if unicodedata.category(character) in _UNPRINTABLE else character
