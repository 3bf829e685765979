"""Descriptions and synopses are read from apt's package lists."""

from pathlib import Path

from real_data.converters.synopses import Description, read_descriptions

LONG = " ".join(["word"] * 20)
STANZAS = f"""\
Package: one
Description-md5: aa
Description-en: first tool
 {LONG}
 .
 A second
  paragraph.

Package: short
Description-md5: bb
Description-en: second tool
 Few words.

Package: transitional
Description-md5: cc
Description-en: third tool
 {LONG} .
 A second paragraph.

Package: copy
Description-md5: dd
Description-en: fourth tool
 {LONG}
 A second paragraph.
"""


def test_long_descriptions_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "mirror_Translation-en").write_text(STANZAS)
    count, found = read_descriptions(tmp_path)
    assert count == 4
    assert found == [
        Description(f"{LONG} A second paragraph.", "first tool", "aa"),
        Description(f"{LONG} . A second paragraph.", "third tool", "cc"),
    ]
