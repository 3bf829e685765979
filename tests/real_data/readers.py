"""Plain readers of the layouts, for baselines and for tests of the sets. They share no code with the writers."""

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

csv.field_size_limit(2**24)  # one message of 20 Newsgroups is longer than the default allows


class Labelled(NamedTuple):
    """A text and its label."""

    text: str
    label: str


class Answered(NamedTuple):
    """A question about a context, and its answers, of which there may be none."""

    context: str
    question: str
    answers: list[str]


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines, which may be compressed."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.decode().split("\n") if line]


def read_label_folders(folder: Path) -> list[Labelled]:
    """Return the texts of `<label>/<number>.txt`, by number."""
    paths = sorted(folder.glob("*/*.txt"), key=lambda path: int(path.stem))
    return [Labelled(path.read_text(encoding="utf-8"), path.parent.name) for path in paths]


def read_trees(path: Path) -> list[Labelled]:
    """Return the words below each tree, and the label of its root."""
    trees = path.read_text(encoding="utf-8").split("\n")
    return [Labelled(" ".join(re.findall(r"\(\d ([^()]+)\)", tree)), tree[1]) for tree in trees if tree]


def read_class_csv(path: Path) -> list[Labelled]:
    """Return title and text together, and the name of the class. Titles may be empty."""
    classes = path.with_name("classes.txt").read_text(encoding="utf-8").split("\n")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return [Labelled(f"{title} {text}" if title else text, classes[int(number) - 1]) for number, title, text in rows]


def read_columns(path: Path, *, text: str, label: str) -> list[Labelled]:
    """Return two columns of a CSV, TSV or JSONL file."""
    if ".jsonl" in path.suffixes:
        return [Labelled(str(row[text]), str(row[label])) for row in read_json_lines(path)]
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, dialect="excel-tab" if path.suffix == ".tsv" else "excel")
        return [Labelled(row[text], row[label]) for row in rows]


def read_conll(path: Path) -> list[list[tuple[str, str]]]:
    """Return the sentences of a file in CoNLL's columns: the first column and the last one."""
    blocks = path.read_text(encoding="utf-8").strip("\n").split("\n\n")
    sentences = [[line.split() for line in block.split("\n")] for block in blocks]
    return [[(row[0], row[-1]) for row in rows] for rows in sentences if rows[0][0] != "-DOCSTART-"]


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, of which only line feeds end one."""
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def read_squad(path: Path) -> Iterator[Answered]:
    """Yield the questions of a file in SQuAD's layout. ValueError if an answer isn't where it starts."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                context = paragraph["context"]
                for answer in entry["answers"]:
                    if not context.startswith(answer["text"], answer["answer_start"]):
                        raise ValueError(
                            f"{path}: question {entry['id']}: no {answer['text']!r} at {answer['answer_start']}"
                        )
                yield Answered(context, entry["question"], [answer["text"] for answer in entry["answers"]])
