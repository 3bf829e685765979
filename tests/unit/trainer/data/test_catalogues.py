"""Catalogues of both forms are pairs of messages and translations; what is no catalogue is named with its line."""

import os
from pathlib import Path

import polib
import pytest

from llmtrain_trainer.data.bad_text import NotText
from llmtrain_trainer.data.catalogues import read_catalogue
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import read_records, text_file, write

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Open the file"
msgstr "Öffne die Datei"

#, fuzzy
msgid "Close"
msgstr "Schlie"

msgctxt "menu"
msgid "a\\n"
"line"
msgstr "eine\\n"
"Zeile"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateien"

msgid "not translated"
msgstr ""

#~ msgid "Old"
#~ msgstr "Alt"
"""
PAIRS = [
    ("Open the file", "Öffne die Datei"),
    ("a\nline", "eine\nZeile"),
    ("%d file", "%d Datei"),
    ("%d files", "%d Dateien"),
]


def test_a_text_catalogue_has_a_pair_for_each_translated_message(tmp_path: Path) -> None:
    file = write(tmp_path / "de.po", CATALOGUE)
    assert read_records(file, kind="text") == (PAIRS, [])
    assert [message.number for message in read_catalogue(file)] == [5, 12, 18, 18]


def test_a_binary_catalogue_has_the_same_pairs(tmp_path: Path) -> None:
    polib.pofile(CATALOGUE).save_as_mofile(os.fspath(tmp_path / "de.mo"))
    pairs, bad = read_records(text_file(tmp_path / "de.mo"), kind="text")
    assert (sorted(pairs), bad) == (sorted(PAIRS), [])


def test_the_encoding_of_a_catalogue_is_that_of_its_header(tmp_path: Path) -> None:
    file = write(tmp_path / "de.po", CATALOGUE.replace("UTF-8", "ISO-8859-1").encode("latin-1"))
    assert read_records(file, kind="text") == (PAIRS, [])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.po", 'msgid "a"\nmsgstr "b"\nnothing\n', "no gettext catalogue: a syntax error in line 3"),
        ("a.po", CATALOGUE.encode("latin-1"), "no gettext catalogue: damaged, or not in its encoding"),
        ("a.mo", "no catalogue at all", "no gettext catalogue: damaged, or not in its encoding"),
        (
            "a.mo",
            b"\xde\x12\x04\x95\0\0\0\0\xff\0\0\0\x1c\0\0\0",
            "no gettext catalogue: damaged, or not in its encoding",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, name: str, content: str | bytes, reason: str) -> None:
    with pytest.raises(NotText, match=reason):
        list(read_catalogue(write(tmp_path / name, content)))


def test_a_compressed_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"spec\.data\.format: 'a\.po\.gz' is compressed, and .* unpack it"):
        list(read_catalogue(write(tmp_path / "a.po.gz", b"")))
