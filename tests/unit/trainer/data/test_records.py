"""Records are read from JSONL, CSV, TSV and label folders; what is none is a finding with file and line."""

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from llmtrain_trainer.data.bad_text import BadText, NotText
from llmtrain_trainer.data.documents import Start
from llmtrain_trainer.data.personal_data import BUILT_IN
from llmtrain_trainer.data.records import RecordLayout, RecordReader
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.table_rows import MAX_ROW_CHARACTERS
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import read_records as read
from unit.trainer.data.reading import record_reader as reader
from unit.trainer.data.reading import text_file, write

GOOD = 'text,label\n"one, two",yes\n"with ""quotes""\nand a line",no\nthree,yes\n'


def folder_file(root: Path, name: str, content: bytes | str) -> TextFile:
    """Return a file below the folder of a label."""
    (root / name).parent.mkdir(exist_ok=True)
    file = write(root / name, content)
    return TextFile(root=str(root), name=name, size=file.size, modified_ns=0, changed_ns=0)


def test_a_table_has_a_record_in_each_row(tmp_path: Path) -> None:
    expected = [("one, two", "yes"), ('with "quotes"\nand a line', "no"), ("three", "yes")]
    assert read(write(tmp_path / "a.csv", GOOD)) == (expected, [])
    assert read(write(tmp_path / "a.csv.gz", gzip.compress(GOOD.encode()))) == (expected, [])
    windows = GOOD.replace("\n", "\r\n").encode("utf-8-sig")
    assert read(write(tmp_path / "b.txt", windows), format="Csv")[0][2] == ("three", "yes")
    assert read(write(tmp_path / "c.csv", GOOD.encode("utf-16"))) == (expected, [])


def test_columns_of_a_table_without_names_are_numbered(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", '"3","a title","a text"\n"1","","another"\n')
    pieces = RecordReader(file=file, column="3", layout=RecordLayout(label="1")).read()
    assert [(piece.text, piece.label) for piece in pieces] == [("a text", "3"), ("another", "1")]
    with pytest.raises(
        BadInput, match=r"no column .4. in its first line; name one of .3., .a title., .a text., or number"
    ):
        list(RecordReader(file=file, column="4", layout=RecordLayout(label="1")).read())


def test_the_names_of_columns_may_be_their_numbers(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "1,2\nno,a text\n")
    pieces = RecordReader(file=file, column="2", layout=RecordLayout(label="1")).read()
    assert [(piece.text, piece.label) for piece in pieces] == [("a text", "no")]


def test_quotes_are_characters_of_a_tsv_file(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", 'label\tid\ttext\nno\t1\t"not closed\nyes\t2\tsaid "so"\n')
    assert read(file) == ([('"not closed', "no"), ('said "so"', "yes")], [])


def test_a_line_of_json_has_a_record_whose_label_is_as_it_is_written(tmp_path: Path) -> None:
    lines = ['{"text": "a", "label": 4}', "", '{"label": true, "text": "b"}', '{"text": "c", "label": " x "}']
    assert read(write(tmp_path / "a.jsonl", "\n".join(lines)))[0] == [("a", "4"), ("b", "true"), ("c", "x")]


@pytest.mark.parametrize(
    "labels",
    [
        pyarrow.array([4, None, 5]),
        pyarrow.array(["4", None, "5"]),
        pyarrow.array(["4", "", "5"]).dictionary_encode(),
    ],
    ids=lambda labels: str(labels.type),
)
def test_a_row_of_parquet_has_a_record(tmp_path: Path, labels: pyarrow.Array) -> None:
    table = pyarrow.table({"label": labels, "text": ["one", "two", "three"]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    expected = [("one", "4"), ("three", "5")], ["'a.parquet', line 2: no label in 'label' (noLabel)"]
    assert read(text_file(tmp_path / "a.parquet")) == expected


@pytest.mark.parametrize("type", [pyarrow.string_view(), pyarrow.dictionary(pyarrow.int8(), pyarrow.string())], ids=str)
def test_a_text_of_parquet_may_be_stored_in_any_way(tmp_path: Path, type: pyarrow.DataType) -> None:
    texts = pyarrow.array(["one", "two"])
    texts = texts.dictionary_encode() if pyarrow.types.is_dictionary(type) else texts.cast(type)
    pyarrow.parquet.write_table(pyarrow.table({"label": ["a", "b"], "text": texts}), tmp_path / "a.parquet")
    assert read(text_file(tmp_path / "a.parquet")) == ([("one", "a"), ("two", "b")], [])


def test_a_label_of_parquet_is_no_fraction(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"label": [0.5], "text": ["one"]}), tmp_path / "a.parquet")
    with pytest.raises(
        BadInput, match=r"^spec\.data\.columns\.label: 'a\.parquet' has no label in column 'label', but double"
    ):
        read(text_file(tmp_path / "a.parquet"))


def test_half_a_character_in_json_is_found(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"text": "a\\ud800b", "label": "x"}')
    assert read(file) == ([("a\ufffdb", "x")], ["'a.jsonl', line 1: invalid characters in the text (None)"])


def test_a_directory_is_the_label_of_its_files(tmp_path: Path) -> None:
    assert read(folder_file(tmp_path, "neg/deep.txt", "bad\nfilm")) == ([("bad\nfilm", "neg")], [])
    assert read(folder_file(tmp_path, "pos/a.csv", "x"), format="LabelFolders") == ([("x", "pos")], [])
    assert read(folder_file(tmp_path, " pos /a.txt", "x")) == ([("x", "pos")], [])
    with pytest.raises(NotText, match="no text in the file"):
        read(folder_file(tmp_path, "pos/empty.txt", " \n"))
    with pytest.raises(NotText, match=r"no label in the name of the directory"):
        read(folder_file(tmp_path, " /a.txt", "x"))
    with pytest.raises(
        BadInput, match=r"spec\.data\.format: 'README' is no \.jsonl, \.csv, \.tsv or \.parquet file and in no"
    ):
        read(write(tmp_path / "README", "x"))


def test_reading_can_begin_at_the_end_of_any_record(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", GOOD)
    pieces = [piece for piece in reader(file).read() if not isinstance(piece, BadText)]
    for number, piece in enumerate(pieces):
        rest, _ = read(file, Start(piece.offset, piece.line))
        assert rest == [(after.text, after.label) for after in pieces[number + 1 :]]
    assert [piece.line for piece in pieces] == [2, 3, 5]


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("only one field", "'a.csv', line 3: 1 fields in a table of 2 columns (brokenRecord)"),
        ('"a"b,yes', "'a.csv', line 3: a broken row: ',' expected after '\"' (brokenRecord)"),
        ('"never closed,yes', "'a.csv', line 3: a broken row: unexpected end of data (brokenRecord)"),
        (" ,yes", "'a.csv', line 3: no text in 'text' (noText)"),
        ("a, ", "'a.csv', line 3: no label in 'label' (noLabel)"),
        (f"a,{'b' * 257}", "'a.csv', line 3: no label of at most 256 characters in 'label' (noLabel)"),
        (
            "a" * (MAX_ROW_CHARACTERS + 1) + ",yes",
            "'a.csv', line 3: a broken row: field larger than field limit (1048576) (brokenRecord)",
        ),
    ],
)
def test_a_bad_row_costs_no_other_row(tmp_path: Path, row: str, finding: str) -> None:
    file = write(tmp_path / "a.csv", f"text,label\nfirst,yes\n{row}\nlast,no\n")
    assert read(file) == ([("first", "yes"), ("last", "no")], [finding])


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("{", "line 2: not a JSON object (brokenRecord)"),
        ('["text"]', "line 2: not a JSON object (brokenRecord)"),
        ('{"body": "x", "label": "a"}', "line 2: no text in 'text'; the object has 'body', 'label' (noText)"),
        ('{"text": "", "label": "a"}', "line 2: no text in 'text' (noText)"),
        ('{"text": "x", "stars": 5}', "line 2: no label in 'label'; the object has 'text', 'stars' (noLabel)"),
        ('{"text": "x", "label": null}', "line 2: no label in 'label'; the object has 'text', 'label' (noLabel)"),
    ],
)
def test_a_bad_line_costs_no_other_line(tmp_path: Path, line: str, finding: str) -> None:
    good = json.dumps({"text": "x", "label": "y"})
    assert read(write(tmp_path / "a.jsonl", f"{good}\n{line}\n{good}\n")) == (
        [("x", "y")] * 2,
        [f"'a.jsonl', {finding}"],
    )


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"spec\.data\.columns\.label: 'a\.csv' has no column 'label' .*name one of 'text', 'stars'"
    ):
        read(write(tmp_path / "a.csv", "text,stars\nx,5\n"))


def test_invalid_bytes_of_a_row_are_found_with_their_place(tmp_path: Path) -> None:
    content = b"text,label\nfirst,yes\nb\xffad,no\n"
    records, findings = read(write(tmp_path / "a.csv", content))
    assert records == [("first", "yes"), ("b\ufffdad", "no")]
    assert findings == ["'a.csv', line 3, byte 22: not UTF-8 (None)"]


def test_a_label_that_is_no_number_is_a_finding(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"text": "a", "label": -2.5}\n{"text": "b", "label": "good"}\n{"text": "c"}\n')
    found, bad = read(file, kind="number")
    assert found == [("a", "-2.5")]
    assert bad == [
        "'a.jsonl', line 2: no number from -1e+30 to 1e+30, but 'good', in 'label' (noNumber)",
        "'a.jsonl', line 3: no label in 'label'; the object has 'text' (noLabel)",
    ]


def test_a_column_of_numbers_is_read_from_parquet_and_a_folder_can_be_named_by_one(tmp_path: Path) -> None:
    table = pyarrow.table({"text": ["a", "b"], "label": [0.5, None]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    found, bad = read(text_file(tmp_path / "a.parquet"), kind="number")
    assert found == [("a", "0.5")]
    assert bad == ["'a.parquet', line 2: no label in 'label' (noLabel)"]
    with pytest.raises(BadInput, match="no label in column 'label', but double"):
        read(text_file(tmp_path / "a.parquet"))
    assert read(folder_file(tmp_path, "7.5/a.txt", "good"), kind="number") == ([("good", "7.5")], [])
    with pytest.raises(NotText, match=r"^no number from -1e.30 to 1e.30, but 'good', in the name of the directory"):
        read(folder_file(tmp_path, "good/a.txt", "good"), kind="number")


def test_personal_data_in_place_of_a_number_or_of_names_are_not_shown(tmp_path: Path) -> None:
    label = f"{'to ' * 17}jane@mail.example"
    file = write(tmp_path / "a.jsonl", json.dumps({"text": "a text", "label": label}))
    layout = RecordLayout(label="label", kind="number", masking=BUILT_IN)
    (found,) = RecordReader(file=file, column="text", layout=layout).read()
    assert isinstance(found, BadText)
    assert f"but '{'to ' * 17}[EMAIL]', in 'label'" in found.reason
    table = write(tmp_path / "a.csv", "jane@mail.example,4\n")
    with pytest.raises(BadInput, match=r"name one of '\[EMAIL\]', '4', or number"):
        list(RecordReader(file=table, column="text", layout=layout).read())
