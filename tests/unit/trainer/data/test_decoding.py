"""Text is decoded by its byte order mark or as UTF-8; what is not valid is known by place and number."""

import io
import random

import pytest

from llmtrain_trainer.data.bad_text import NotText
from llmtrain_trainer.data.decoding import Encoding, detect, repair

TEXT = "Zażółć gęślą jaźń 漢字 🐢 line\r\nend\0"


def decoded(content: bytes, monkeypatch: pytest.MonkeyPatch, read_bytes: int = 7) -> str:
    monkeypatch.setattr("llmtrain_trainer.data.decoding.READ_BYTES", read_bytes)
    encoding = detect(content, complete=True)
    stream = io.BytesIO(content)
    stream.seek(encoding.mark)
    return "".join(encoding.decode(stream.read))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_text(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decoded(TEXT.encode(codec), monkeypatch) == TEXT


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\0\0\xfe\xff", "utf-32-be"),
        (b"\xff\xfe\0\0", "utf-32-le"),
    ],
)
def test_both_orders_of_bytes_are_read(mark: bytes, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decoded(mark + TEXT.encode(codec), monkeypatch) == TEXT


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_detected_by_its_nuls(codec: str) -> None:
    assert detect("plain text of Latin letters\n".encode(codec), complete=True) == Encoding(codec=codec, guessed=True)


def test_a_few_nuls_are_text() -> None:
    assert detect(b"before\0after\n" * 20, complete=True) == Encoding()


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xe0" * 9, bytes(100), b"abc\0\0\0\0\0\0" * 9, "текст".encode("cp1251")]
)
def test_a_file_of_other_content_is_not_text(content: bytes) -> None:
    with pytest.raises(NotText, match=r"not text in UTF-8|NUL"):
        detect(content, complete=True)


def test_a_character_at_the_end_of_the_beginning_is_not_bad() -> None:
    assert detect("é".encode()[:1], complete=False) == Encoding()


def test_bad_bytes_are_counted_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    randomly = random.Random(1)
    for _ in range(200):
        content = b"".join(randomly.choice([b"plain ascii ", "é漢🐢".encode(), b"\xe2\x82"]) for _ in range(8))
        content = b"long enough to be text in UTF-8 that has only a few bad bytes " * 4 + content + b"\xf0\x9f"
        whole = content.decode("utf-8", "surrogateescape")
        in_blocks = decoded(content, monkeypatch, read_bytes=randomly.randint(1, 9))
        assert in_blocks == whole
        assert Encoding().encode(in_blocks) == content
        text, replaced, first = repair(in_blocks)
        assert replaced == sum(0xD800 <= ord(character) <= 0xDFFF for character in whole)
        assert text.encode().count("\ufffd".encode()) == replaced
        assert first == text.index("\ufffd")


def test_valid_text_is_not_changed() -> None:
    assert repair(TEXT) == (TEXT, 0, -1)


def test_half_a_pair_and_a_cut_end_of_utf16_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\xff\xfe" + "ab".encode("utf-16-le") + b"\x00\xd8" + "c".encode("utf-16-le") + b"d"
    assert repair(decoded(content, monkeypatch)) == ("ab\ufffdc\ufffd", 2, 2)
