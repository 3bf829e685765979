"""Each row of a Parquet file is a document; a file that can't be used is named, and so is the extra that is needed."""

import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from llmtrain_trainer.data.bad_text import NotText
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import read, text_file, write

TEXTS = [f"text {number} 漢字" for number in range(1000)]


def parquet(path: Path, texts: object, **columns: object) -> TextFile:
    pyarrow.parquet.write_table(pyarrow.table({"text": texts, **columns}), path, row_group_size=100)
    return text_file(path)


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string(), pyarrow.binary()])
def test_each_row_is_a_document(tmp_path: Path, kind: pyarrow.DataType) -> None:
    texts = pyarrow.array([text.encode() if kind == pyarrow.binary() else text for text in TEXTS], kind)
    assert read(parquet(tmp_path / "a.parquet", texts, label=list(range(1000)))) == (TEXTS, [])


def test_a_row_without_a_text_and_one_that_is_not_utf8_are_reported(tmp_path: Path) -> None:
    texts = pyarrow.array([b"one", None, b"caf\xe9"], pyarrow.binary())
    documents, bad = read(parquet(tmp_path / "a.parquet", texts))
    assert documents == ["one", "caf\ufffd"]
    assert bad == [
        "'a.parquet', line 2: no text in column 'text'",
        "'a.parquet', line 3: invalid characters in the text",
    ]


def test_a_missing_column_and_one_of_numbers_are_rejected_with_the_others(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", TEXTS, label=list(range(1000)))
    with pytest.raises(
        BadInput, match=r"spec\.data\.columns\.text: 'a\.parquet' has no column 'body'; name one of text, label"
    ):
        read(file, column="body")
    with pytest.raises(BadInput, match="has no text in column 'label', but int64"):
        read(file, column="label")


def test_a_damaged_file_is_not_text(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", TEXTS)
    with pytest.raises(NotText, match="damaged Parquet data"):
        read(write(tmp_path / "b.parquet", Path(file.path).read_bytes()[:-50]))


def test_a_file_that_the_volume_does_not_give_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise OSError(5, "Input/output error")

    file = parquet(tmp_path / "a.parquet", TEXTS)
    monkeypatch.setattr(pyarrow.parquet, "ParquetFile", fail)
    with pytest.raises(OSError, match="Input/output error"):
        read(file)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInput, match=r"'a\.parquet' is a Parquet file, which needs .* llmtrain\[parquet\]"):
        read(write(tmp_path / "a.parquet", "x"))
