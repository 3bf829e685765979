"""A question travels as a document and its label, and comes back."""

import pytest

from llmtrain_trainer.data.questions import Answer, NoQuestion, Question, read_question, squad_records

FIELDS = {"question": "q", "context": "c", "answers": "a"}


def test_a_question_comes_back_from_its_document() -> None:
    question = Question(question="where?", context="a\nb c", answers=(Answer("b c", 2), Answer("c", 4)))
    assert Question.of(question.text, question.label) == question
    assert Question.of(question.text).answers == ()


def test_halves_of_characters_are_replaced_in_context_and_answer_alike() -> None:
    question = read_question(
        {"q": "x\ud800", "c": "a \ud800b", "a": [{"text": "\ud800b", "answer_start": 2}]}, **FIELDS
    )
    assert question == Question(question="x\ufffd", context="a \ufffdb", answers=(Answer("\ufffdb", 2),))


@pytest.mark.parametrize(
    ("change", "record"),
    [({"q": " "}, "noText"), ({"c": None}, "noText"), ({"a": 4}, "noLabel"), ({"a": "z"}, "noLabel")]
    + [({"a": [{"text": text, "answer_start": 0}]}, "noLabel") for text in (True, ["y"], {"y": 1}, None)]
    + [({"a": [{"text": "y", "answer_start": start}]}, "noLabel") for start in (True, "0.5", None, [0], "nan", "inf")],
)
def test_what_is_no_question_has_a_reason(change: dict[str, object], record: str) -> None:
    with pytest.raises(NoQuestion) as error:
        read_question({"q": "x", "c": "y", "a": []} | change, **FIELDS)
    assert error.value.record == record


def test_questions_of_all_paragraphs_are_found() -> None:
    paragraphs = [{"context": name, "qas": [{"id": f"{name}{number}"} for number in range(2)]} for name in "ab"]
    assert [record["id"] for record in squad_records({"data": [{"paragraphs": paragraphs}]})] == [
        "a0",
        "a1",
        "b0",
        "b1",
    ]


@pytest.mark.parametrize("start", [0, "0", 0.0, "0.0"])
def test_a_place_is_a_whole_number(start: object) -> None:
    record = {"q": "x", "c": "y", "a": [{"text": "y", "answer_start": start}]}
    assert read_question(record, **FIELDS).answers == (Answer("y", 0),)
