"""Events are read from JSONL, CSV, TSV and Parquet; what is none is a finding with file and line."""

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from llmtrain_trainer.data.bad_text import BadText
from llmtrain_trainer.data.documents import BEGINNING, Start
from llmtrain_trainer.data.event_records import Event, EventLayout, EventReader, seconds
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import text_file, write

GOOD = "what,who,when,stars\nfilm 1,ann,17,5\nfilm 2,bob,2026-11-30T12:00:00Z,1\n"
EVENTS = [Event("ann", "film 1", 17.0), Event("bob", "film 2", 1796040000.0)]


def read(
    file: TextFile, start: Start = BEGINNING, stop: int | None = None, **layout: str
) -> tuple[list[Event], list[str]]:
    """Return the events, and what is wrong."""
    names = {"user": "who", "item": "what", "time": "when"}
    found, bad = [], []
    for piece in EventReader(file=file, layout=EventLayout(**{**names, **layout})).read(start, stop):
        if isinstance(piece, BadText):
            bad.append(f"{piece} ({piece.record or piece.replaced})")
        else:
            assert piece.last
            found.append(Event.decode(piece.text))
    return found, bad


def test_a_table_has_an_event_in_each_row(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv", GOOD)) == (EVENTS, [])
    assert read(write(tmp_path / "a.csv.gz", gzip.compress(GOOD.encode()))) == (EVENTS, [])
    assert read(write(tmp_path / "a.tsv", GOOD.replace(",", "\t"))) == (EVENTS, [])
    assert read(write(tmp_path / "b.log", GOOD.encode("utf-8-sig")), format="Csv") == (EVENTS, [])


def test_columns_of_a_table_without_names_are_numbered(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", GOOD.partition("\n")[2].replace(",", "\t"))
    assert read(file, user="2", item="1", time="3") == (EVENTS, [])


def test_a_line_of_json_is_an_event(tmp_path: Path) -> None:
    lines = [{"who": 7, "what": "a", "when": 1.5}, {"who": "8", "what": True, "when": "1970-01-01"}]
    file = write(tmp_path / "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    assert read(file) == ([Event("7", "a", 1.5), Event("8", "true", 0.0)], [])


@pytest.mark.parametrize("times", [[1.5, 2.0], pyarrow.array([1500, 2000], pyarrow.timestamp("ms"))], ids=str)
def test_a_row_of_parquet_is_an_event(tmp_path: Path, times: object) -> None:
    table = pyarrow.table({"who": [7, 8], "what": ["a", "b"], "when": times})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(text_file(tmp_path / "a.parquet")) == ([Event("7", "a", 1.5), Event("8", "b", 2.0)], [])


def test_reading_begins_and_ends_between_any_two_events(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", GOOD)
    first, _ = (
        piece for piece in EventReader(file=file, layout=EventLayout(user="who", item="what", time="when")).read()
    )
    assert not isinstance(first, BadText)
    assert read(file, stop=first.offset)[0] == EVENTS[:1]
    assert read(file, Start(first.offset, first.line))[0] == EVENTS[1:]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",ann,1,", "line 2: no item in 'what' (noItem)"),
        ("<|endoftext|>,ann,1,", "line 2: no item other than <|endoftext|> in 'what' (noItem)"),
        ("a, ,1,", "line 2: no user in 'who' (noUser)"),
        (f"a,{'u' * 257},1,", "line 2: no user of at most 256 characters in 'who' (noUser)"),
        ("a,ann,,", "line 2: no number of seconds or date in 'when' (noTime)"),
        ("a,ann,nan,", "line 2: no number of seconds or date in 'when', but 'nan' (noTime)"),
        ("a,ann,soon,", "line 2: no number of seconds or date in 'when', but 'soon' (noTime)"),
        ("a,ann", "line 2: 2 fields in a table of 4 columns (brokenRecord)"),
    ],
)
def test_what_is_no_event_is_named(tmp_path: Path, row: str, problem: str) -> None:
    header, rest = GOOD.split("\n", 1)
    assert read(write(tmp_path / "a.csv", f"{header}\n{row}\n{rest}")) == (EVENTS, [f"'a.csv', {problem}"])


def test_a_line_of_json_that_lacks_a_field_lists_those_that_are_there(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"who": "ann", "film": 1}\n[1]\n')
    assert read(file) == (
        [],
        [
            "'a.jsonl', line 1: no item in 'what'; the object has 'who', 'film' (noItem)",
            "'a.jsonl', line 2: not a JSON object (brokenRecord)",
        ],
    )


def test_invalid_bytes_are_counted(tmp_path: Path) -> None:
    events, bad = read(write(tmp_path / "a.csv", GOOD.encode().replace(b"ann", b"\xffnn")))
    assert events == [Event("\ufffdnn", "film 1", 17.0), EVENTS[1]]
    assert bad == ["'a.csv', line 2, byte 27: not UTF-8 (1)"]
    events, bad = read(write(tmp_path / "a.jsonl", '{"who": "\\ud800", "what": 1, "when": 1}\n'))
    assert (events, bad) == ([Event("\ufffd", "1", 1.0)], ["'a.jsonl', line 1: invalid characters in the record (1)"])


def test_a_table_without_a_column_is_refused_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput,
        match=r"spec\.data\.columns\.time: 'a\.csv' has no column 'at' in its first line; name one of 'what', 'who'",
    ):
        read(write(tmp_path / "a.csv", GOOD), time="at")


def test_a_file_of_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"spec\.data\.format: 'a\.log' is no \.jsonl, \.csv, \.tsv or \.parquet file"):
        read(write(tmp_path / "a.log", GOOD))
    with pytest.raises(BadInput, match=r"'a\.conll' is no \.jsonl"):
        read(write(tmp_path / "a.conll", GOOD))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12.0),
        ("1e3", 1000.0),
        ("1970-01-02", 86400.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("inf", None),
        ("1_0", None),
        ("", None),
    ],
)
def test_a_time_is_a_number_or_a_date(text: str, expected: float | None) -> None:
    assert seconds(text) == expected
