"""Prepare keeps the columns by which held-out records are judged, in the order of the samples, and refuses one that is not there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data import scan
from llmtrain_trainer.data.labelled_dataset import SLICES_FILE, LabelledDataset, read_slices
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import preparation as stage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun
from unit.trainer.labelled_jobs import RECORDS
from unit.trainer.stages.preparing_records import CLASSIFICATION, data, rows, write

Row = dict[str, object]


def sliced(count: int = 60) -> list[Row]:
    """Return records that say in a column which one they are."""
    return [{**row, "genre": f" genre of {row['text'][:30]}", "year": number} for number, row in enumerate(rows(count))]


def opened(
    make_run: MakeRun, log: JsonLog, slices: Sequence[str] = (), task: str = "classification", **fields: object
) -> LabelledDataset:
    sections: Mapping[str, object] = CLASSIFICATION | {"task": {"name": task}}
    run = make_run(**sections, data=data(**fields), evaluation={"slices": list(slices)})
    info = prepare(run, log).dataset
    assert info is not None
    return LabelledDataset.open(run.data_directory, info.id, LABEL_KINDS[task])


def test_each_held_out_record_has_its_values_and_nothing_else_changes(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(volume, sliced())
    plain = opened(make_run, log)
    monkeypatch.setattr(scan, "UNIT_BYTES", 1024)
    monkeypatch.setattr(stage, "UNIT_BYTES", 1024)
    dataset = opened(make_run, log, ["genre", "label", "year"])
    genres, labels, years = read_slices(dataset.directory)
    tokenizer, held_out = load_tokenizer(dataset.directory), dataset.held_out
    texts = [tokenizer.decode(held_out.batch([number])[0].tolist()) for number in range(len(held_out))]
    assert list(genres) == [f"genre of {text[:30]}".strip() for text in texts]
    assert list(labels) == [dataset.label_set.names[number] for number in held_out.labels]
    by_text = {row["text"]: str(row["year"]) for row in sliced()}
    assert list(years) == [by_text[text] for text in texts]
    assert dataset.info.id != plain.info.id
    assert not (plain.directory / SLICES_FILE).exists()
    for name in ("training.bin", "held-out.bin", "training.labels.bin", "tokenizer.json"):
        assert (dataset.directory / name).read_bytes() == (plain.directory / name).read_bytes()


def test_another_value_is_another_dataset(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, sliced())
    before = opened(make_run, log, ["year"])
    write(volume, [{**row, "year": 1999} for row in sliced()])
    after = opened(make_run, log, ["year"])
    assert set(read_slices(after.directory)[0]) == {"1999"}
    assert before.info.id != after.info.id


def test_personal_data_in_values_are_another_dataset_than_placeholders(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    write(volume, [{**row, "genre": "of jane@mail.example"} for row in sliced()])
    before = opened(make_run, log, ["genre"])
    after = opened(make_run, log, ["genre"], personalData="Mask")
    assert set(read_slices(after.directory)[0]) == {"of [EMAIL]"}
    assert before.info.id != after.info.id
    assert not [file for file in after.directory.iterdir() if b"jane" in file.read_bytes()]


def test_a_value_that_is_not_known_is_empty(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, [{**row, "genre": None if number % 2 else ["a"]} for number, row in enumerate(sliced())])
    assert set(read_slices(opened(make_run, log, ["genre"]).directory)[0]) == {""}


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_columns_of_tables_are_kept(make_run: MakeRun, log: JsonLog, volume: Path, format: str) -> None:
    (volume / "records").mkdir()
    made, path = [{**row, "share": 0.5, "new": True} for row in sliced()], volume / "records" / f"all.{format}"
    if format == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(made), path)
    else:
        lines = [list(made[0]), *([str(value).strip() for value in row.values()] for row in made)]
        path.write_text(
            "".join(",".join(json.dumps(value) for value in line) + "\n" for line in lines).replace("\\n", "\n")
        )
    genres, shares, labels = read_slices(opened(make_run, log, ["genre", "share", "label"]).directory)
    assert len(set(genres)) > 5
    assert set(shares) == {"0.5"}
    assert set(labels) == {"no", "perhaps", "yes"}


@pytest.mark.parametrize("task", ["tagging", "question-answering"])
def test_records_of_other_tasks_have_values(make_run: MakeRun, log: JsonLog, volume: Path, task: str) -> None:
    made = [{**RECORDS[task](number), "kind": f"k{number % 3}"} for number in range(60)]
    write(volume, made)
    dataset = opened(make_run, log, ["kind"], task)
    (kinds,) = read_slices(dataset.directory)
    assert len(kinds) == dataset.info.held_out_samples == 12
    assert set(kinds) == {"k0", "k1", "k2"}


def test_questions_in_the_layout_of_squad_have_the_fields_of_the_question(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    questions = [
        {
            "context": f"page {number} is x{number}",
            "qas": [
                {
                    "id": number,
                    "question": f"what is page {number}?",
                    "kind": number % 2,
                    "answers": [{"text": f"x{number}", "answer_start": len(f"page {number} is ")}],
                }
            ],
        }
        for number in range(40)
    ]
    (volume / "records").mkdir()
    (volume / "records" / "all.json").write_text(json.dumps({"data": [{"paragraphs": questions}]}))
    dataset = opened(make_run, log, ["kind"], "question-answering", maxTokens=64)
    assert set(read_slices(dataset.directory)[0]) == {"0", "1"}
    with pytest.raises(
        BadInput, match=r"slices\[0\]: 'all\.json', record 1: no field 'genre'; it has 'context', 'id', 'question'"
    ):
        opened(make_run, log, ["genre"], "question-answering", maxTokens=64)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "all.jsonl",
            None,
            r"slices\[1\]: 'all\.jsonl', record 1: no field 'director'; the object has 'text', 'label', 'genre', 'year'; name",
        ),
        (
            "all.csv",
            "text,label,genre\na,x,y\n",
            r"slices\[1\]: 'all\.csv' has no column 'director' in its first line; name one of 'text', 'label', 'genre'",
        ),
        (
            "neg/1.txt",
            "a text",
            r"slices: 'neg/1\.txt' is read as LabelFolders, whose records have a text and a label alone; write",
        ),
    ],
)
def test_a_column_that_is_not_there_is_refused_with_those_that_are(
    make_run: MakeRun, log: JsonLog, volume: Path, name: str, content: str | None, message: str
) -> None:
    path = volume / "records" / name
    path.parent.mkdir(parents=True)
    path.write_text(content or "".join(json.dumps(row) + "\n" for row in sliced()))
    with pytest.raises(BadInput, match=rf"^spec\.evaluation\.{message}"):
        opened(make_run, log, ["genre", "director"])


def test_a_column_of_parquet_that_is_not_there_is_refused(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (volume / "records").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(sliced()), volume / "records" / "all.parquet")
    with pytest.raises(
        BadInput,
        match=r"^spec\.evaluation\.slices\[0\]: 'all\.parquet' has no column 'director'; name one of text, label, genre, year",
    ):
        opened(make_run, log, ["director"])
