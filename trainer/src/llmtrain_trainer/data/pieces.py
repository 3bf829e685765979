r"""Pieces of bounded size whose tokens, one after another, are those of the whole document.

Byte-level BPE first splits text by GPT-2's pattern and merges bytes only within such a part. A part contains whitespace
only as its first character, or consists of whitespace. So there is a split before a whitespace character that follows
another character, whatever stands around them; that is where a document is cut. Text without such a place is cut after
`PIECE_CHARACTERS`, which is a function of the content alone but can change the tokens around the cut.
"""

import re
from collections.abc import Iterable, Iterator

PIECE_CHARACTERS = 2**17
"""The longest piece."""
WINDOW = 4096
"""Characters searched at a time, backwards from the end of a piece."""
SAFE = re.compile(r"[\w!-~\u2010-\u2027\u2030-\u205e\u3001-\u3011\uff01-\uff5e][ \n]")
"""A character that is whitespace in no version of Unicode, and a space or line end that a document can be cut before."""
SAFE_TO_MASK = re.compile(r"""[a-z,;!?"'] |[\w!-~\u2010-\u2027\u2030-\u205e\u3001-\u3011\uff01-\uff5e]\n""")
"""Those of them that are not within an address or a number; see personal_data.py."""
SAFE_LINES = re.compile(r"[\w!-~\u2010-\u2027\u2030-\u205e\u3001-\u3011\uff01-\uff5e]\n")
"""Those of them that are the end of a line."""


def cut_pieces(
    blocks: Iterable[str], limit: int = PIECE_CHARACTERS, safe: re.Pattern[str] = SAFE
) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a document that comes in `blocks` of any size, each with whether it is the last one.

    It is cut before the second character of what matches `safe`.
    """
    buffer = ""
    for block in blocks:
        buffer += block
        start = 0
        while len(buffer) - start > limit:
            cut = cut_before(buffer, start, start + limit, safe)
            yield buffer[start:cut], False
            start = cut
        buffer = buffer[start:]
    if buffer:
        yield buffer, True


def cut_before(text: str, start: int, limit: int, safe: re.Pattern[str] = SAFE) -> int:
    """Return the last place in (start, limit] where `text`, which is longer than `limit`, can be cut; else `limit`."""
    high = limit + 1
    while high > start + 1:
        low = max(start, high - WINDOW)
        if places := safe.findall(text, low, high):
            return text.rfind(places[-1], low, high) + 1
        high = low + 1 if low > start else start
    return limit
