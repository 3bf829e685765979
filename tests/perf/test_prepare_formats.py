"""Memory of the prepare stage with much data in each format, near copies left out and personal data masked.

By default 2 GB of each; LLMTRAIN_BENCH_MEGABYTES sets another size. Files have the sizes that are usual for their format:
tables and lines are one file, questions and catalogues many.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from perf.prepare_stage import MAX_PEAK_MIB, VOCAB_SIZE, Words, measure, report

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]
MEGABYTES = int(os.environ.get("LLMTRAIN_BENCH_MEGABYTES", "2048"))
COPIES: Mapping[str, object] = {"duplicates": "DropNear", "personalData": "Mask"}
CLASSES: Mapping[str, object] = {"task": {"name": "classification"}, "model": {"name": "lstm"}}
TRANSLATION: Mapping[str, object] = {"task": {"name": "translation"}, "model": {"name": "t5"}}
QUESTIONS_PER_FILE, ENTRIES_PER_FILE, TEXTS_PER_FILE = 50_000, 5_000, 64
ROWS_PER_GROUP = 2_000


@dataclass(frozen=True)
class Format:
    """How data of a format is made, and by which job it is read."""

    write: Callable[[Path, Iterator[str], int], None]
    """Writes texts into a folder until it holds a number of bytes."""
    spec: Mapping[str, object]
    data: Mapping[str, object]


def texts() -> Iterator[str]:
    """Yield short texts in one line, without end; one in a hundred has an address, one in fifty is nearly the one before it."""
    words, draw, last = Words(), random.Random(2), ""
    blocks = [words.text(seed, 100_000).split() for seed in range(16)]
    for number in iter(int, 1):
        del number
        block, start = draw.choice(blocks), draw.randrange(99_000)
        chance = draw.random()
        if chance < 0.02 and last:
            yield f"{last} again"
            continue
        last = " ".join(block[start : start + draw.randrange(20, 120)])
        yield f"{last} {last[:4]}@example.org" if chance < 0.03 else last


def write_lines(
    name: str, line: Callable[[int, str], str], head: str = ""
) -> Callable[[Path, Iterator[str], int], None]:
    """Return what writes one file in which each text is a line, or several."""

    def write(folder: Path, source: Iterator[str], size: int) -> None:
        with (folder / name).open("w") as file:
            written, number = file.write(head), 0
            while written < size:
                written += file.write(line(number, next(source)))
                number += 1

    return write


def write_folders(folder: Path, source: Iterator[str], size: int) -> None:
    """Write label folders, with files of several texts' length."""
    written = number = 0
    while written < size:
        parent = folder / "abc"[number % 3] / str(number // 3000)
        parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(next(source) for _ in range(TEXTS_PER_FILE))
        written += (parent / f"{number}.txt").write_text(text)
        number += 1


def write_parquet(folder: Path, source: Iterator[str], size: int) -> None:
    """Write one table; its size is that of its texts, before they are compressed."""
    schema = pyarrow.schema([("text", pyarrow.string()), ("label", pyarrow.string())])
    written = 0
    with pyarrow.parquet.ParquetWriter(folder / "all.parquet", schema) as file:
        while written < size:
            rows = [{"text": next(source), "label": "abc"[number % 3]} for number in range(ROWS_PER_GROUP)]
            written += sum(len(row["text"]) for row in rows)
            file.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def write_parallel(folder: Path, source: Iterator[str], size: int) -> None:
    """Write two files of lines."""
    written = 0
    with (folder / "en.txt").open("w") as left, (folder / "es.txt").open("w") as right:
        while written < size:
            text = next(source)
            written += left.write(f"{text}\n") + right.write(f"{text[::-1]}\n")


def numbered(source: Iterator[str], number: int) -> Iterator[tuple[str, str]]:
    """Yield the texts of a file, each with a place of its own."""
    for place in range(ENTRIES_PER_FILE):
        yield f"{number}-{place}", next(source)


def write_catalogues(folder: Path, source: Iterator[str], size: int) -> None:
    """Write catalogues, as large as those of a large program."""
    written = number = 0
    while written < size:
        entries = (f'msgid "{place} {text}"\nmsgstr "{text[::-1]}"\n' for place, text in numbered(source, number))
        written += (folder / f"{number}.po").write_text('msgid ""\nmsgstr ""\n\n' + "\n".join(entries))
        number += 1


def write_questions(folder: Path, source: Iterator[str], size: int) -> None:
    """Write files in the layout of SQuAD, as large as it."""
    written = number = 0
    while written < size:
        paragraphs = []
        for place in range(QUESTIONS_PER_FILE):
            text = next(source)
            answer = {"text": text.split()[3], "answer_start": len(" ".join(text.split()[:3])) + 1}
            question = {"id": f"{number}-{place}", "question": f"what is {text[:20]}", "answers": [answer]}
            paragraphs.append({"context": text, "qas": [question]})
        written += (folder / f"{number}.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
        number += 1


def tagged(number: int, text: str) -> str:
    """Return a sentence of CoNLL."""
    del number
    return "".join(f"{word} {word[0].upper()}\n" for word in text.split()) + "\n"


def tree(number: int, text: str) -> str:
    """Return a line with a tree."""
    return f"({number % 3} " + " ".join(f"(1 {word})" for word in text.split()) + ")\n"


FORMATS = {
    "Jsonl": Format(
        write_lines("all.jsonl", lambda number, text: json.dumps({"text": text, "label": "abc"[number % 3]}) + "\n"),
        CLASSES,
        {},
    ),
    "Csv": Format(
        write_lines("all.csv", lambda number, text: f'{"abc"[number % 3]},"{text}"\n', "label,text\n"), CLASSES, {}
    ),
    "Tsv": Format(
        write_lines("all.tsv", lambda number, text: f"{'abc'[number % 3]}\t{text}\n", "label\ttext\n"), CLASSES, {}
    ),
    "Parquet": Format(write_parquet, CLASSES, {}),
    "LabelFolders": Format(write_folders, CLASSES, {}),
    "Trees": Format(write_lines("all.trees", tree), CLASSES, {}),
    "Conll": Format(write_lines("all.conll", tagged), {"task": {"name": "tagging"}, "model": {"name": "lstm"}}, {}),
    "Squad": Format(write_questions, {"task": {"name": "question-answering"}, "model": {"name": "gru"}}, {}),
    "Parallel": Format(write_parallel, TRANSLATION, {"columns": {"text": "en.txt", "label": "es.txt"}}),
    "Gettext": Format(write_catalogues, TRANSLATION, {}),
    "Wordpiece": Format(
        write_lines("all.txt", lambda _, text: f"{text}\n\n"),
        {"task": {"name": "masked"}, "model": {"name": "bert"}},
        {"tokenizer": {"kind": "wordpiece", "vocabSize": VOCAB_SIZE}},
    ),
    "Words": Format(
        write_lines("all.txt", lambda _, text: f"{text}\n\n"),
        {"task": {"name": "word-vectors"}, "model": {"name": "skipgram"}},
        {"tokenizer": {"kind": "words"}},
    ),
}
"""Formats of records, and texts with other tokenizers than that of `test_prepare.py`."""


@pytest.mark.parametrize("name", FORMATS)
def test_much_data_needs_little_memory(name: str, tmp_path: Path) -> None:
    source = tmp_path / "data" / "text"
    source.mkdir(parents=True)
    form = FORMATS[name]
    form.write(source, texts(), MEGABYTES * 2**20)
    size = sum(file.stat().st_size for file in source.rglob("*") if file.is_file()) / 2**20
    measured = measure(tmp_path, {**form.spec, "data": {**COPIES, **form.data}})
    print(f"\nbench: {size:.0f} MB of {name}, {measured.seconds:.0f} s")
    report(f"prepare_peak_mib_{name.lower()}", measured.peak_mib, "MiB")
    assert measured.peak_mib < MAX_PEAK_MIB
