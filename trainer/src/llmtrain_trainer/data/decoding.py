"""The encoding of a file, and its text: UTF-8, or UTF-16 and UTF-32 with a byte order mark.

A byte that does not belong to a character becomes a surrogate code point, which no valid text has, so that the place and
the number of bad bytes are known. `repair` replaces them.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmtrain_trainer.data.bad_text import NotText

HEAD_BYTES = 2**16
"""The beginning of a file, by which its encoding is detected."""
READ_BYTES = 2**19
"""Bytes read at once."""
MAX_BAD_SHARE = 0.1
"""A file whose beginning has a greater share of bytes that are not UTF-8 is not text in UTF-8 with a few bad bytes."""
MAX_NUL_SHARE = 0.3
REPLACEMENT = "\ufffd"
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16, so it is tried first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SURROGATE = re.compile("[\ud800-\udfff]")
INVALID_SEQUENCE = "llmtrain-surrogate"
"""Error handler of the codecs of UTF-16 and UTF-32: what is invalid becomes one surrogate."""


def _invalid_sequence(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udc80", error.end


codecs.register_error(INVALID_SEQUENCE, _invalid_sequence)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How the bytes of a file are decoded."""

    codec: str = "utf-8"
    mark: int = 0
    """Bytes of the byte order mark."""
    guessed: bool = False
    """Whether there is no mark and the text would be full of NULs in UTF-8."""

    def decode(self, read: Callable[[int], bytes]) -> Iterator[str]:
        """Yield the text in blocks; `read` returns at most so many bytes, and none at the end."""
        errors = "surrogateescape" if self.codec == "utf-8" else INVALID_SEQUENCE
        decoder = codecs.getincrementaldecoder(self.codec)(errors)
        while block := read(READ_BYTES):
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)

    def encode(self, text: str) -> bytes:
        """Return the bytes that were decoded to `text`."""
        return text.encode(self.codec, "surrogateescape" if self.codec == "utf-8" else "surrogatepass")


def detect(head: bytes, *, complete: bool) -> Encoding:
    """Return the encoding of a file that begins with `head`; `complete` if that is all of it. NotText if it has none."""
    for mark, codec in MARKS:
        if head.startswith(mark):
            return Encoding(codec=codec, mark=len(mark))
    if (guess := _utf16_by_nuls(head)) is not None:
        return guess
    text, _ = codecs.utf_8_decode(head, "surrogateescape", complete)
    bad = SURROGATE.search(text)
    if bad is not None and len(SURROGATE.findall(text)) > MAX_BAD_SHARE * len(head):
        offset = len(text[: bad.start()].encode())
        raise NotText("not text in UTF-8 (a binary file, or another encoding that has to be converted)", offset=offset)
    if head.count(0) > MAX_NUL_SHARE * len(head):
        raise NotText("mostly NUL bytes, so no text", offset=head.find(0))
    return Encoding()


def repair(text: str) -> tuple[str, int, int]:
    """Return `text` with U+FFFD for each surrogate, how many there were, and the index of the first (or -1)."""
    try:
        if not text.isascii():
            text.encode()  # many times faster than the search
    except UnicodeEncodeError as error:
        repaired, count = SURROGATE.subn(REPLACEMENT, text)
        return repaired, count, error.start
    return text, 0, -1


def _utf16_by_nuls(head: bytes) -> Encoding | None:
    """Return UTF-16 if every other byte is NUL, as in text of Latin letters."""
    pairs = len(head) // 2
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if pairs >= 2 and odd > 0.6 * pairs and even < 0.1 * pairs:
        return Encoding(codec="utf-16-le", guessed=True)
    if pairs >= 2 and even > 0.6 * pairs and odd < 0.1 * pairs:
        return Encoding(codec="utf-16-be", guessed=True)
    return None
