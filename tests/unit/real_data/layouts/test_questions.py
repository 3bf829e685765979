"""Questions are written in both versions of SQuAD's layout."""

import json
from pathlib import Path
from typing import Any

from real_data.layouts.questions import Question, write_squad

ANSWERED = Question(title="ls", context="-a: all. -b: escape.", question="Escapes?", answer="-b", answer_start=9)
SAME_CONTEXT = Question(title="ls", context=ANSWERED.context, question="All?", answer="-a", answer_start=0)
IMPOSSIBLE = Question(title="cp", context="-r: recursive.", question="Escapes?", answer="-b", answer_start=None)


def articles(path: Path) -> list[Any]:
    return json.loads(path.read_text())["data"]


def test_questions_stand_below_their_article_and_paragraph(tmp_path: Path) -> None:
    write_squad(tmp_path, {"test": [ANSWERED, SAME_CONTEXT]}, version="1.1")
    (article,) = articles(tmp_path / "test.json")
    (paragraph,) = article["paragraphs"]
    assert [each["question"] for each in paragraph["qas"]] == ["Escapes?", "All?"]
    for entry in paragraph["qas"]:
        (answer,) = entry["answers"]
        assert paragraph["context"][answer["answer_start"] :].startswith(answer["text"])
        assert "is_impossible" not in entry


def test_version_2_marks_questions_without_an_answer(tmp_path: Path) -> None:
    write_squad(tmp_path, {"test": [ANSWERED, IMPOSSIBLE]}, version="v2.0")
    entries = [entry for article in articles(tmp_path / "test.json") for entry in article["paragraphs"][0]["qas"]]
    assert [(entry["is_impossible"], len(entry["answers"])) for entry in entries] == [(False, 1), (True, 0)]
    assert len({entry["id"] for entry in entries}) == 2
