"""Words with tags are read from CoNLL and lists, questions from SQuAD and lines of JSON."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from llmtrain_trainer.data.bad_text import BadText, NotText
from llmtrain_trainer.data.documents import Start
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.reading import read_records, record_reader, text_file, write

CONLL = "-DOCSTART- -X- O\n\nThe DT O\nEuropean  JJ B-ORG\n\n\ncaf\u00e9 NN O\nodd\n\nx\u00a0y\tNN\tO"


def test_a_sentence_of_conll_is_a_record(tmp_path: Path) -> None:
    found, bad = read_records(write(tmp_path / "a.conll", CONLL), kind="tags")
    assert found == [("The European", "O B-ORG"), ("x\u00a0y", "O")]
    assert bad == ["'a.conll', line 7: 2 words, but 1 tags in 'label' (tagCount)"]
    assert read_records(write(tmp_path / "b.txt.gz", gzip.compress(CONLL.encode())), kind="tags")[0] == found
    windows = write(tmp_path / "c", CONLL.replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_records(windows, format="Conll", kind="tags")[0] == found


def test_reading_conll_resumes_after_a_sentence(tmp_path: Path) -> None:
    file = write(tmp_path / "a.conll", CONLL)
    pieces = [piece for piece in record_reader(file, kind="tags").read() if not isinstance(piece, BadText)]
    start = Start(pieces[0].offset, 5)
    assert read_records(file, start, kind="tags") == (
        [("x\u00a0y", "O")],
        ["'a.conll', line 7: 2 words, but 1 tags in 'label' (tagCount)"],
    )


def test_a_very_long_sentence_of_conll_is_read_as_several(tmp_path: Path) -> None:
    found, bad = read_records(write(tmp_path / "a.conll", "w T\n" * 10_000), kind="tags")
    assert [text.count("w") for text, _ in found] == [4096, 4096, 1808]
    assert bad == []


def test_words_and_tags_are_lists_or_texts(tmp_path: Path) -> None:
    lines = [
        {"text": ["a", "b\u00a0c"], "label": ["X", "Y"]},
        {"text": " a  b ", "label": "X\tY"},
        {"text": ["a", "b"], "label": ["X"]},
        {"text": ["a b"], "label": ["X"]},
        {"text": ["a", 4, True], "label": ["X", "Y", "Z"]},
        {"text": ["a", None], "label": ["X", "Y"]},
        {"text": [], "label": []},
        {"text": ["a"]},
        {"text": ["a"], "label": ["x" * 300]},
    ]
    found, bad = read_records(
        write(tmp_path / "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines)), kind="tags"
    )
    assert found == [("a b\u00a0c", "X Y"), ("a b", "X Y"), ("a 4 true", "X Y Z")]
    assert bad == [
        "'a.jsonl', line 3: 2 words, but 1 tags in 'label' (tagCount)",
        "'a.jsonl', line 4: an element of 'text' that is no text, empty, or has whitespace (brokenRecord)",
        "'a.jsonl', line 6: an element of 'text' that is no text, empty, or has whitespace (brokenRecord)",
        "'a.jsonl', line 7: no text in 'text' (noText)",
        "'a.jsonl', line 8: no label in 'label'; the object has 'text' (noLabel)",
        "'a.jsonl', line 9: a tag of more than 256 characters in 'label' (noLabel)",
    ]
    assert read_records(write(tmp_path / "a.tsv", "text\tlabel\na b\tX Y\n"), kind="tags")[0] == [("a b", "X Y")]


@pytest.mark.parametrize("kind", [pyarrow.list_, pyarrow.large_list], ids=["list", "large list"])
def test_words_and_tags_are_lists_in_parquet(tmp_path: Path, kind: Callable[..., pyarrow.DataType]) -> None:
    words = [["a", "b\u00a0c"], ["d"], ["e", None], ["f g"], None, [], ["h", "i"]]
    tags = [[0, 1], [2], [0, 0], [0], [1], [], [1]]
    columns = {
        "text": pyarrow.array(words, kind(pyarrow.string())),
        "label": pyarrow.array(tags, kind(pyarrow.int64())),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    found, bad = read_records(text_file(tmp_path / "a.parquet"), kind="tags")
    assert found == [("a b\u00a0c", "0 1"), ("d", "2")]
    assert bad == [
        "'a.parquet', line 3: an element of 'text' that is no text, empty, or has whitespace (brokenRecord)",
        "'a.parquet', line 4: an element of 'text' that is no text, empty, or has whitespace (brokenRecord)",
        "'a.parquet', line 5: no text in 'text' (noText)",
        "'a.parquet', line 6: no text in 'text' (noText)",
        "'a.parquet', line 7: 2 words, but 1 tags in 'label' (tagCount)",
    ]
    with pytest.raises(BadInput, match=r"columns\.text: 'a\.parquet' has no text in column 'text', but (large_)?list<"):
        read_records(text_file(tmp_path / "a.parquet"))


CONTEXT = "The caf\u00e9 is in Oslo."


def squad(answers: list[dict[str, object]], name: str = "q1") -> str:
    asked = {"id": name, "question": "Where\n is it?", "answers": answers}
    return json.dumps(
        {"version": "2.0", "data": [{"title": "t", "paragraphs": [{"context": CONTEXT, "qas": [asked]}]}]}
    )


def test_a_question_of_squad_is_a_record(tmp_path: Path) -> None:
    content = squad([{"text": "Oslo", "answer_start": 15}, {"text": "in Oslo", "answer_start": 12}])
    expected = [(f"Where is it?\n{CONTEXT}", '[["Oslo", 15], ["in Oslo", 12]]')]
    assert read_records(write(tmp_path / "a.json", content), kind="span") == (expected, [])
    assert read_records(write(tmp_path / "a.json.gz", gzip.compress(content.encode())), kind="span")[0] == expected
    unanswered = write(tmp_path / "b.json", squad([]))
    assert read_records(unanswered, kind="span") == ([(f"Where is it?\n{CONTEXT}", "[]")], [])


def test_an_answer_that_is_not_in_its_context_is_named_with_its_question(tmp_path: Path) -> None:
    found, bad = read_records(write(tmp_path / "a.json", squad([{"text": "Oslo", "answer_start": 14}])), kind="span")
    assert found == []
    assert bad == ["'a.json': question 'q1': the answer 'Oslo' is not at character 14 of the context (wrongAnswer)"]


@pytest.mark.parametrize("content", ["{", "[1]", '{"data": [{"paragraphs": [{"qas": [{"id": 1}]}]}]}', '{"data": 1}'])
def test_a_file_in_another_layout_holds_no_questions(tmp_path: Path, content: str) -> None:
    with pytest.raises(NotText, match=r"^no questions: "):
        read_records(write(tmp_path / "a.json", content), kind="span")


def test_flat_questions_are_lines_of_json(tmp_path: Path) -> None:
    base = {"question": "Where?", "text": CONTEXT}
    lines: list[dict[str, object]] = [
        base | {"label": {"text": ["Oslo"], "answer_start": [15]}},
        base | {"label": {"text": "Oslo", "answer_start": 15}},
        base | {"label": "Oslo", "answer_start": 15},
        base | {"label": []},
        base | {"label": ""},
        base,
        base | {"label": "Oslo"},
        base | {"label": "Rome", "answer_start": 15},
        base | {"label": "Oslo", "answer_start": -6},
        {"text": CONTEXT, "label": []},
        base | {"label": [4]},
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines) + "[]\n"
    found, bad = read_records(write(tmp_path / "a.jsonl", content), kind="span")
    text = f"Where?\n{CONTEXT}"
    assert found == [(text, '[["Oslo", 15]]')] * 3 + [(text, "[]")] * 2
    assert bad == [
        "'a.jsonl', line 6: no answers in 'label'; a question without one has an empty list (noLabel)",
        "'a.jsonl', line 7: no answers with text and answer_start in 'label' (noLabel)",
        "'a.jsonl', line 8: the answer 'Rome' is not at character 15 of the context (wrongAnswer)",
        "'a.jsonl', line 9: the answer 'Oslo' is not at character -6 of the context (wrongAnswer)",
        "'a.jsonl', line 10: no text in 'question' (noText)",
        "'a.jsonl', line 11: no answers with text and answer_start in 'label' (noLabel)",
        "'a.jsonl', line 12: not a JSON object (brokenRecord)",
    ]


def test_questions_in_files_of_unknown_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"^spec\.data\.format: 'a\.csv' is no \.json file in the layout of SQuAD, and no"
    ):
        read_records(write(tmp_path / "a.csv", "text,label\n"), kind="span")


def test_invalid_bytes_of_questions_are_found_with_their_place(tmp_path: Path) -> None:
    line = json.dumps({"question": "Where?", "text": "It is _here_.", "label": []}).encode() + b"\n"
    found, bad = read_records(write(tmp_path / "a.jsonl", line + line.replace(b"_", b"\xff")), kind="span")
    assert found == [("Where?\nIt is _here_.", "[]"), ("Where?\nIt is \ufffdhere\ufffd.", "[]")]
    assert bad == [f"'a.jsonl', line 2, byte {len(line) + line.index(b'_')}: not UTF-8 (None)"]
    content = squad([]).encode().replace(b"Oslo", b"Os\xffo")
    (found,), bad = read_records(write(tmp_path / "a.json", content), kind="span")
    assert found[0].endswith("in Os\ufffdo.")
    assert bad == ["'a.json', line 1: question 'q1': invalid characters in the text (None)"]


@pytest.mark.parametrize("kind", ["class", "number"])
def test_tagged_words_are_no_records_of_other_tasks(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BadInput, match=r"'a\.conll' has a tag for each word, which only the task tagging learns"):
        read_records(write(tmp_path / "a.conll", "a X\n"), kind=kind)
