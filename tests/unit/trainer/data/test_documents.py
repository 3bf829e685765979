"""Each format yields its documents as they are; what is not valid is reported with file and place."""

import gzip
import json
from pathlib import Path

import pytest

from llmtrain_trainer.data import documents as module
from llmtrain_trainer.data.bad_text import BadText, NotText
from llmtrain_trainer.data.documents import Reader, Start
from llmtrain_trainer.errors import BadInput, TrainerError
from unit.trainer.data.reading import read, text_file, write

LINES = [{"text": "one\ntwo"}, {"text": "drei 漢字", "label": 3}, {"text": "x" * 30}]
JSONL = "".join(json.dumps(line) + "\n" for line in LINES)
TEXTS = [str(line["text"]) for line in LINES]
VALID = "valid text of more than a few words " * 9


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt", VALID), piece_characters=20) == ([VALID], [])


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt", "")) == ([], [])
    assert read(write(tmp_path / "b.txt", b"\xef\xbb\xbf")) == ([], [])


def test_a_bad_byte_is_replaced_and_reported_with_its_place(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", VALID.encode() + "é".encode() + b"\xe9 and more")
    documents, bad = read(file, piece_characters=20)
    assert documents == [VALID + "é\ufffd and more"]
    assert bad == [f"'a.txt', byte {len(VALID) + 2}: not UTF-8"]


def test_utf16_without_a_mark_is_read_and_reported(tmp_path: Path) -> None:
    documents, bad = read(write(tmp_path / "a.txt", VALID.encode("utf-16-le")))
    assert documents == [VALID]
    assert bad == ["'a.txt', byte 0: UTF-16-LE without a byte order mark"]


def test_a_binary_file_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(NotText, match="not text in UTF-8"):
        read(write(tmp_path / "photo", b"\xff\xd8\xff\xe0" * 99))


@pytest.mark.parametrize("name", ["a.jsonl", "a.JSONL", "a.ndjson", "a.jsonl.gz", "a.json.gz"])
def test_each_line_of_jsonl_is_a_document(tmp_path: Path, name: str) -> None:
    content = JSONL.encode()
    assert read(write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)) == (TEXTS, [])


def test_jsonl_has_a_named_field_and_may_be_utf16(tmp_path: Path) -> None:
    content = "\n".join(json.dumps({"body": text}) for text in TEXTS)
    assert read(write(tmp_path / "a.jsonl", content.encode("utf-16")), column="body") == (TEXTS, [])


@pytest.mark.parametrize("number", ["1" * 5000, "-1e999", "NaN"])
def test_a_number_that_python_does_not_convert_is_no_reason_to_leave_a_line_out(tmp_path: Path, number: str) -> None:
    assert read(write(tmp_path / "a.jsonl", f'{{"id": {number}, "text": "one"}}\n')) == (["one"], [])


@pytest.mark.parametrize(
    "line",
    ["no json", '{"text": "cut', '{"body": "x"}', '{"text": 3}', '["text"]', "[" * 100_000, '{"text": null}'],
)
def test_a_line_without_a_text_is_reported_and_the_others_are_read(tmp_path: Path, line: str) -> None:
    documents, bad = read(write(tmp_path / "a.jsonl", f"{JSONL}{line}\n\n  \n{JSONL}"))
    assert documents == TEXTS * 2
    assert bad == ["'a.jsonl', line 4: not a JSON object with a text in 'text'"]


def test_joined_files_with_marks_are_read(tmp_path: Path) -> None:
    content = JSONL.encode("utf-8-sig")
    assert read(write(tmp_path / "a.jsonl", content + content)) == (TEXTS * 2, [])


def test_half_a_pair_of_surrogates_in_json_is_replaced(tmp_path: Path) -> None:
    documents, bad = read(write(tmp_path / "a.jsonl", '{"text": "a\\ud83d b"}\n'))
    assert documents == ["a\ufffd b"]
    assert bad == ["'a.jsonl', line 1: invalid characters in the text"]


def test_a_bad_byte_in_a_line_is_reported_once(tmp_path: Path) -> None:
    documents, bad = read(write(tmp_path / "a.jsonl", JSONL.encode() + b'{"text": "caf\xe9"}\n'))
    assert documents == [*TEXTS, "caf\ufffd"]
    assert bad == [f"'a.jsonl', line 4, byte {len(JSONL.encode()) + 13}: not UTF-8"]


def test_a_line_that_is_too_long_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_CHARACTERS", 60)
    monkeypatch.setattr("llmtrain_trainer.data.decoding.READ_BYTES", 16)
    long_line = json.dumps({"text": "y" * 500})
    documents, bad = read(write(tmp_path / "a.jsonl", f"{JSONL}{long_line}\n{JSONL}"))
    assert documents == TEXTS * 2
    assert bad == ["'a.jsonl', line 4: longer than 60 characters"]


def test_gzip_is_decompressed(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt.gz", gzip.compress(VALID.encode()))) == ([VALID], [])


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-9], lambda content: content[:40] + b"?" * 9 + content[49:]]
)
def test_damaged_gzip_is_not_text(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    content = gzip.compress("".join(str(number * number) for number in range(999)).encode())
    with pytest.raises(NotText, match="damaged gzip data"):
        read(write(tmp_path / "a.gz", damage(content)))


def test_no_gzip_by_that_name_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(NotText, match="damaged gzip data: Not a gzipped file"):
        read(write(tmp_path / "a.gz", VALID))


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "utf16.txt", "utf16.jsonl"])
def test_reading_resumes_at_the_end_of_any_piece(tmp_path: Path, name: str) -> None:
    content = JSONL * 5 if name.endswith("jsonl") else VALID
    encoded = content.encode("utf-16" if name.startswith("utf16") else "utf-8-sig")
    reader = Reader(file=write(tmp_path / name, encoded), column="text", piece_characters=25)
    pieces = [piece for piece in reader.read() if not isinstance(piece, BadText)]
    assert len(pieces) > 10
    for number, piece in enumerate(pieces):
        if piece.last or not piece.line:
            before = reader.read(stop=piece.offset)
            assert [each.text for each in before if not isinstance(each, BadText)] == [
                each.text for each in pieces[: number + 1]
            ]
            if number + 1 < len(pieces):
                after = list(reader.read(Start(piece.offset, piece.line)))
                assert after == pieces[number + 1 :]


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*arguments: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = write(tmp_path / "a.txt", VALID)
    monkeypatch.setattr("builtins.open", deny)
    with pytest.raises(BadInput, match=r"spec\.data\.source\.path: 'a\.txt' can't be read: Permission denied"):
        read(file)


def test_a_file_that_disappears_is_tried_again(tmp_path: Path) -> None:
    file = text_file(tmp_path)
    with pytest.raises(TrainerError, match="disappeared"):
        read(type(file)(root=str(tmp_path), name="a", size=1, modified_ns=0, changed_ns=0))
