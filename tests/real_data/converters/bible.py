"""The Bible in English (1769) and Spanish (1909), verse by verse (sword-text-kjv, sword-text-sparv).

A module has three files for each testament. `bzz` holds compressed blocks, `bzs` the place of each block in it (offset, size,
size uncompressed), and `bzv` the place of each verse (block, offset, size). Both modules count verses in the same way, so
verse i of one is the translation of verse i of the other.
"""

import re
import struct
import zlib
from pathlib import Path

FOLDER = "usr/share/sword/modules/texts/ztext"
ENGLISH, SPANISH = "engKJV2006eb", "spaRV1909eb"


def read_verses(package: Path, module: str) -> list[str]:
    """Return the entries of a module as plain text. Titles of books and chapters are entries too, often empty ones."""
    return [plain(entry) for testament in ("ot", "nt") for entry in _entries(package / FOLDER / module, testament)]


def read_verse_pairs(english: Path, spanish: Path) -> list[tuple[str, str]]:
    """Return the verses that both modules have, in English and in Spanish."""
    pairs = zip(read_verses(english, ENGLISH), read_verses(spanish, SPANISH), strict=False)
    return [(first, second) for first, second in pairs if first and second and not first.startswith("Chapter")]


def plain(entry: str) -> str:
    """Return the text of an entry without markup, notes, titles and paragraph signs.

    Markup inside of a line stands for nothing: `<w>earth</w>.` is `earth.`; elements of lines and paragraphs, and two words
    without a space between them, are separated.
    """
    text = re.sub(r"<note.*?</note>|<title.*?</title>|¶", "", entry, flags=re.DOTALL)
    text = re.sub(r"<(?:lb|lg|l|p|div|chapter|milestone)\b[^>]*>|</w>(?=<(?:w|q|transChange)\b)", " ", text)
    return " ".join(re.sub(r"<[^>]+>", "", text).split())


def _entries(folder: Path, testament: str) -> list[str]:
    compressed = (folder / f"{testament}.bzz").read_bytes()
    blocks = [
        zlib.decompress(compressed[offset : offset + size])
        for offset, size, _ in struct.iter_unpack("<III", (folder / f"{testament}.bzs").read_bytes())
    ]
    places = struct.iter_unpack("<IIH", (folder / f"{testament}.bzv").read_bytes())
    return [
        blocks[block][offset : offset + size].decode(errors="replace") if size else "" for block, offset, size in places
    ]
