"""The format of a file follows from its name only where nothing else can be meant."""

import pytest

from llmtrain_trainer.data.formats import RECORDS, Format, format_of
from llmtrain_trainer.data.labels import LabelKind
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.errors import BadInput


def found(name: str, kind: LabelKind, format: Format = "Auto") -> Format:
    file = TextFile(root="", name=name, size=1, modified_ns=0, changed_ns=0)
    return format_of(file, format, kind, "en.txt", "es.txt")


@pytest.mark.parametrize(
    ("name", "kind", "format"),
    [
        ("a.JSONL.gz", "class", "Jsonl"),
        ("sst/dev.trees", "number", "Trees"),
        ("pos/a.po", "class", "LabelFolders"),
        ("a.po", "text", "Gettext"),
        ("de/LC_MESSAGES/a.mo", "text", "Gettext"),
        ("train/en.txt", "text", "Parallel"),
        ("es.txt", "text", "Parallel"),
        ("pos/en.txt", "class", "LabelFolders"),
        ("en.txt", "tags", "Conll"),
        ("a.trees", "tags", "Conll"),
        ("dev.json", "span", "Squad"),
        ("folder.csv/1", "class", "LabelFolders"),
    ],
)
def test_a_name_says_the_format(name: str, kind: LabelKind, format: Format) -> None:
    assert found(name, kind) == format
    assert format in RECORDS[kind]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("fr.txt", "text", "and no file that spec.data.columns names; name the format"),
        ("a.trees", "text", "is no .jsonl, .csv, .tsv or .parquet file, no .po or .mo file"),
        ("README", "class", "is no .jsonl, .csv, .tsv or .parquet file and in no directory named by a label"),
        ("a.csv", "span", "is no .json file in the layout of SQuAD"),
        ("a.conll", "class", "only the task tagging learns"),
    ],
)
def test_a_name_without_a_format_is_refused(name: str, kind: LabelKind, message: str) -> None:
    with pytest.raises(BadInput) as refusal:
        found(name, kind)
    assert message in str(refusal.value)


def test_a_named_format_holds_whatever_the_name_is() -> None:
    assert found("train.txt", "class", "Trees") == "Trees"
    with pytest.raises(BadInput, match="in no directory named by a label"):
        found("a.txt", "class", "LabelFolders")
