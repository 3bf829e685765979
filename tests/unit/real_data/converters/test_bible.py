"""Verses are read from modules of compressed blocks, and paired by their number."""

import struct
import zlib
from pathlib import Path

import pytest

from real_data.converters.bible import ENGLISH, FOLDER, SPANISH, plain, read_verse_pairs


def module(package: Path, name: str, verses: list[str]) -> Path:
    """Write a module whose two testaments have the same verses, in blocks of two."""
    folder = package / FOLDER / name
    folder.mkdir(parents=True)
    blocks, block_places, verse_places = b"", b"", b""
    for number in range(0, len(verses), 2):
        texts = [verse.encode() for verse in verses[number : number + 2]]
        compressed = zlib.compress(b"".join(texts))
        block_places += struct.pack("<III", len(blocks), len(compressed), len(b"".join(texts)))
        blocks += compressed
        for offset, text in zip((0, len(texts[0])), texts, strict=False):
            verse_places += struct.pack("<IIH", number // 2, offset, len(text))
    for testament in ("ot", "nt"):
        for suffix, content in (("bzz", blocks), ("bzs", block_places), ("bzv", verse_places)):
            (folder / f"{testament}.{suffix}").write_bytes(content)
    return package


def test_verses_of_both_modules_are_paired_by_number(tmp_path: Path) -> None:
    english = module(tmp_path / "en", ENGLISH, ["Chapter 1", "<w>In</w> the beginning", "And", "", "light"])
    spanish = module(tmp_path / "es", SPANISH, ["Capítulo", "EN el principio", "", "Dijo", "luz"])
    pairs = [("In the beginning", "EN el principio"), ("light", "luz")]
    assert read_verse_pairs(english, spanish) == pairs * 2


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        pytest.param('the <w lemma="H0776">earth</w>. ', "the earth.", id="markup of words"),
        pytest.param("<title>Psalm <b>1</b></title>Blessed", "Blessed", id="a title"),
        pytest.param("God<note>Heb. <i>x</i>\ny</note> saw", "God saw", id="a note of two lines"),
        pytest.param("¶ And<lb/>God", "And God", id="a paragraph sign and a line break"),
        pytest.param("<w>de</w><w>Dios</w>", "de Dios", id="words without a space"),
    ],
)
def test_markup_is_removed(entry: str, text: str) -> None:
    assert plain(entry) == text
