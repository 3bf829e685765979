"""A scan knows each document by its text; it is the same for any blocks, and is not done again."""

import gzip
import random
from pathlib import Path

import numpy as np
import pytest

from llmtrain_trainer.data.bad_text import Policy
from llmtrain_trainer.data.document_hash import DocumentHash
from llmtrain_trainer.data.scan import DOCUMENT, ScanTask, UnitScan, plan_units, scan_unit
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import write

VALID = "valid text of more than a few words " * 9


def hashed(text: str, randomly: random.Random | None = None) -> DocumentHash:
    document, start = DocumentHash(), 0
    while start < len(text):
        size = randomly.randint(1, 4) if randomly else len(text)
        document.update(text[start : start + size])
        start += size
    return document


def scan(folder: Path, files: list[TextFile], policy: Policy = "Replace", shard_bytes: int = 2**23) -> UnitScan:
    folder.mkdir(exist_ok=True)
    return scan_unit(
        ScanTask(number=0, files=files, column="text", policy=policy, directory=folder, shard_bytes=shard_bytes)
    )


def sizes(folder: Path) -> list[int]:
    return [int(size) for size in np.fromfile(folder / "scan-00000.documents", dtype=DOCUMENT)["size"]]


@pytest.mark.parametrize("core", ["a", "two words", " inner \n spaces ".strip(), "é漢\n\n字", ""])
def test_whitespace_around_a_text_does_not_make_another_one(core: str) -> None:
    randomly = random.Random(1)
    expected = hashed(core).key()
    for _ in range(60):
        around = [
            "".join(randomly.choice(" \n\t\r\u3000\x85") for _ in range(randomly.randint(0, 6))) for _ in range(2)
        ]
        text = f"{around[0]}{core}{around[1]}"
        found = hashed(text, randomly)
        assert found.key() == expected
        assert found.content() == hashed(text).content()
        assert (found.content() == hashed(core).content()) == (text == core)
        assert found.size == len(text.encode())


def test_other_texts_have_other_hashes() -> None:
    texts = ["ab", "a b", "a  b", "a\nb", "b a", "ba"]
    assert len({hashed(text).key() for text in texts}) == len(texts)


def test_files_are_scanned_in_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrain_trainer.data.scan.UNIT_BYTES", 100)
    monkeypatch.setattr("llmtrain_trainer.data.scan.UNIT_FILES", 4)
    files = [
        TextFile(root="", name=str(number), size=size, modified_ns=0, changed_ns=0)
        for number, size in enumerate([40, 50, 30, 500, 10, 0, 0, 0, 0, 90])
    ]
    assert plan_units(files) == [range(2), range(2, 3), range(3, 4), range(4, 8), range(8, 10)]
    assert plan_units([]) == []


def test_documents_are_counted_and_a_changed_text_or_name_changes_the_digest(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.txt", "1"), write(tmp_path / "two.jsonl", '{"text": "2"}\n{"text": "three"}\n')
    result = scan(tmp_path / "a", [one, two])
    assert (result.documents, result.size, sizes(tmp_path / "a")) == (3, 7, [1, 1, 5])
    assert scan(tmp_path / "b", [one, two]).digest == result.digest
    digests = {
        result.digest,
        scan(tmp_path / "c", [two, one]).digest,
        scan(tmp_path / "d", [write(tmp_path / "other.txt", "1"), two]).digest,
        scan(tmp_path / "e", [write(tmp_path / "one.txt", "1 "), two]).digest,
        scan(tmp_path / "f", [write(tmp_path / "one.txt", "2"), two]).digest,
    }
    assert len(digests) == 5


def test_what_was_scanned_is_not_scanned_again(tmp_path: Path) -> None:
    file = write(tmp_path / "one.txt", "1")
    first = scan(tmp_path / "a", [file])
    Path(file.path).unlink()
    assert scan(tmp_path / "a", [file]) == first


def test_a_scan_without_its_documents_is_done_again(tmp_path: Path) -> None:
    file = write(tmp_path / "one.txt", "1")
    first = scan(tmp_path / "a", [file])
    (tmp_path / "a" / "scan-00000.documents").write_bytes(b"")
    assert scan(tmp_path / "a", [file]) == first
    assert sizes(tmp_path / "a") == [1]


def test_a_file_that_is_no_text_is_left_out_of_its_unit(tmp_path: Path) -> None:
    texts = "".join(f'{{"text": "{number * 7919}"}}\n' for number in range(2000))
    files = [
        write(tmp_path / "one.txt", VALID),
        write(tmp_path / "cut.jsonl.gz", gzip.compress(texts.encode())[:-9]),
        write(tmp_path / "photo", b"\xff\xd8\xff" * 99),
        write(tmp_path / "two.txt", VALID),
    ]
    result = scan(tmp_path / "a", files)
    assert (result.documents, result.unusable, result.left_out) == (2, [1, 2], 2)
    assert result.digest == scan(tmp_path / "b", [files[0], files[3]]).digest
    assert [bad.file for bad in result.findings] == ["cut.jsonl.gz", "photo"]
    assert sizes(tmp_path / "a") == [len(VALID)] * 2


@pytest.mark.parametrize(
    ("policy", "expected", "replaced", "left_out"), [("Replace", [327, 326, 4], 2, 1), ("Skip", [326, 0], 0, 3)]
)
def test_bad_text_is_replaced_or_skipped(
    tmp_path: Path, policy: Policy, expected: list[int], replaced: int, left_out: int
) -> None:
    files = [
        write(tmp_path / "a.txt", VALID.encode() + b"\xff"),
        write(tmp_path / "b.txt", VALID + "xx"),
        write(tmp_path / "c.jsonl", '{"text": "a\\ud800"}\n{"body": "b"}\n'),
    ]
    result = scan(tmp_path / "scan", files, policy)
    assert sizes(tmp_path / "scan") == expected
    assert (result.replaced, result.left_out) == (replaced, left_out)
    assert [bad.file for bad in result.findings] == ["a.txt", "c.jsonl", "c.jsonl"]


def test_a_skipped_line_without_a_document_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    lines = [
        b'{"text": "first"}',
        b'{"text": "broken \xff',
        b'{"text": "third"}',
        b'{"title": "\xff", "text": ""}',
        b'{"text": "fifth"}',
        b'{"text": "\xff"}',
    ]
    file = write(tmp_path / "a.jsonl", b"\n".join(lines))
    result = scan(tmp_path / "scan", [file], "Skip")
    assert sizes(tmp_path / "scan") == [5, 5, 5, 0]
    assert [bad.line for bad in result.findings] == [2, 4, 6]
    assert result.left_out == 3


def test_a_file_is_left_out_once_however_many_bad_places_it_has(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", (VALID.encode() + b"\xff") * 2000)
    assert scan(tmp_path / "scan", [file], "Skip").left_out == 1


def test_lines_in_an_encoding_that_is_only_known_by_its_nuls_are_left_out_together(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"text": "a"}\n{"text": "b"}\n'.encode("utf-16-le"))
    result = scan(tmp_path / "scan", [file], "Skip")
    assert (result.documents, result.unusable, result.left_out) == (0, [0], 1)


def test_bytes_are_not_counted_as_replaced_in_a_file_that_is_left_out(tmp_path: Path) -> None:
    texts = "".join(f'{{"text": "{number * 7919}"}}\n' for number in range(9000)).encode()
    file = write(tmp_path / "cut.jsonl.gz", gzip.compress(b'{"text": "\xff"}\n' + texts)[:-9])
    result = scan(tmp_path / "scan", [file])
    assert (result.replaced, result.left_out, len(result.findings)) == (0, 1, 1)


def test_with_the_policy_fail_the_first_bad_place_ends_the_scan(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.txt", VALID.encode() + b"\xff")]
    with pytest.raises(BadInput, match=r"spec\.data: 'a\.txt', byte 324: not UTF-8; correct the file, or set"):
        scan(tmp_path / "scan", files, "Fail")


def test_a_large_file_can_be_resumed_at_places_that_depend_on_it_alone(tmp_path: Path) -> None:
    texts = "".join(f'{{"text": "{number * 7919}"}}\n' for number in range(2000))
    result = scan(tmp_path / "scan", [write(tmp_path / "a.jsonl", texts)], shard_bytes=4000)
    assert len(result.resumes) > 5
    for point in result.resumes:
        assert texts[: point.offset].count("\n") == point.line == point.documents
        assert texts[point.offset - 1] == "\n"
        assert point.size == 0
