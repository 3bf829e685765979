"""A file of synonyms is read, or refused with the line and the remedy."""

import re
from pathlib import Path

import pytest

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_trainer.data import lexicon
from llmtrain_trainer.data.lexicon import Lexicon, lexicon_of
from llmtrain_trainer.errors import BadInput
from unit.trainer.builders import MakeRun


def read(path: Path, content: bytes) -> Lexicon:
    path.write_bytes(content)
    return Lexicon.read(path)


@pytest.mark.parametrize(
    ("content", "synonyms"),
    [
        pytest.param(b"good\tfine\tnice\n", {"good": ("fine", "nice")}, id="a word with two"),
        pytest.param(b"good\tfine", {"good": ("fine",)}, id="no end of the last line"),
        pytest.param(b"\xef\xbb\xbfgood\tfine\r\nbad\tpoor\r\n", {"good": ("fine",), "bad": ("poor",)}, id="Windows"),
        pytest.param(b"Good\tfine\ngood\tnice\tfine\n", {"good": ("fine", "nice")}, id="several lines of a word"),
        pytest.param(b"good\tGood\tfine\n", {"good": ("fine",)}, id="the word among its synonyms"),
        pytest.param(b"good\tgood\n", {"good": ()}, id="nothing but the word"),
        pytest.param(b" good \tvery nice \n", {"good": ("very nice",)}, id="spaces"),
        pytest.param("schön\thübsch\n".encode(), {"schön": ("hübsch",)}, id="other letters"),
    ],
)
def test_words_have_synonyms(tmp_path: Path, content: bytes, synonyms: dict[str, tuple[str, ...]]) -> None:
    assert read(tmp_path / "file", content).synonyms == synonyms


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "line 1 is missing, because the file is empty; write a word", id="an empty file"),
        pytest.param(b"good\tfine\n\nbad\tpoor\n", "line 2 is empty; remove it", id="an empty line"),
        pytest.param(b"good\tfine\nbad poor\n", "line 2 has no tab; separate", id="no tab"),
        pytest.param(b"good\tfine\nbad\tp\xffor\n", "line 2 is not UTF-8 at byte 6; save", id="another encoding"),
        pytest.param(b"\tfine\n", "line 1 has an empty word; fill it in", id="no word"),
        pytest.param(b"good\t\tfine\n", "line 1 has an empty synonym; fill it in", id="no synonym"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(BadInput, match=re.escape(f"{LEXICON_FIELD}: '{tmp_path / 'file'}', {problem}")):
        read(tmp_path / "file", content)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="is not on the volume; put"):
        Lexicon.read(tmp_path / "file")
    with pytest.raises(BadInput, match="can't be read: Is a directory; name"):
        Lexicon.read(tmp_path)
    with pytest.raises(BadInput, match="can't be read: embedded null"):
        Lexicon.read(tmp_path / "a\0b")
    monkeypatch.setattr(lexicon, "MAX_LEXICON_BYTES", 4)
    with pytest.raises(BadInput, match="has more than 4 bytes; keep"):
        read(tmp_path / "file", b"a\tb\nc\td\n")


def test_the_checksum_is_that_of_the_content(tmp_path: Path) -> None:
    one, other, changed = (
        read(tmp_path / name, content)
        for name, content in (("one", b"a\tb\n"), ("other", b"a\tb\n"), ("changed", b"a\tc\n"))
    )
    assert one.digest == other.digest != changed.digest
    assert re.fullmatch("sha256:[0-9a-f]{64}", one.digest)


def test_the_file_is_on_the_volume_of_the_data(make_run: MakeRun, volume: Path) -> None:
    assert lexicon_of(make_run()) is None
    assert lexicon_of(make_run(training={"steps": 1, "augment": {}})) is None
    (volume / "words.tsv").write_text("good\tfine\n")
    found = lexicon_of(make_run(training={"steps": 1, "augment": {"synonyms": "words.tsv"}}))
    assert found is not None
    assert found.synonyms == {"good": ("fine",)}
