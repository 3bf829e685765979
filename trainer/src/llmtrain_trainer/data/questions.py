"""Questions about a text, answered by a part of it: the layout of SQuAD (Rajpurkar et al. 2016, 2018), and flat records.

A question travels as a document: its text is the question, a line break and the context; its label has the answers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from llmtrain_trainer.data.bad_text import BadRecord
from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.personal_data import PersonalMasking, shown_text


class Answer(NamedTuple):
    """A part of a context."""

    text: str
    start: int
    """Characters of the context before it."""


class NoQuestion(Exception):
    """A record is no question that can be learned from."""

    def __init__(self, reason: str, record: BadRecord) -> None:
        super().__init__(reason)
        self.reason, self.record = reason, record


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, its context, and all accepted answers: none if the context has no answer."""

    question: str
    context: str
    answers: tuple[Answer, ...] = ()

    @property
    def text(self) -> str:
        """The document."""
        return f"{self.question}\n{self.context}"

    @property
    def label(self) -> str:
        """The label of the document."""
        return json.dumps(self.answers)

    @classmethod
    def of(cls, text: str, label: str = "[]") -> "Question":
        """Return the question of a document with a label."""
        question, _, context = text.partition("\n")
        return cls(question=question, context=context, answers=tuple(Answer(*answer) for answer in json.loads(label)))


def read_question(
    record: Mapping[str, object], *, question: str, context: str, answers: str, masking: PersonalMasking | None = None
) -> Question:
    """Return the question of a record whose fields have these names. NoQuestion, perhaps without personal data, if it is none."""
    found = [record.get(name) for name in (question, context)]
    for name, value in zip((question, context), found, strict=True):
        if not isinstance(value, str) or not value.strip():
            raise NoQuestion(f"no text in '{name}'", "noText")
    asked, read = (repair(str(value))[0] for value in found)
    if answers not in record:
        raise NoQuestion(f"no answers in '{answers}'; a question without one has an empty list", "noLabel")
    try:
        accepted = tuple(_answers(record[answers], record.get("answer_start")))
    except (KeyError, TypeError, ValueError) as error:
        raise NoQuestion(f"no answers with text and answer_start in '{answers}'", "noLabel") from error
    for answer in accepted:
        if answer.start < 0 or read[answer.start : answer.start + len(answer.text)] != answer.text:
            shown = shown_text(answer.text, masking=masking)[:64]
            raise NoQuestion(f"the answer '{shown}' is not at character {answer.start} of the context", "wrongAnswer")
    return Question(question=" ".join(asked.split()), context=read, answers=accepted)


def squad_records(document: object) -> Iterator[dict[str, Any]]:
    """Yield the questions of a file in the layout of SQuAD as records. ValueError for another layout."""
    try:
        for article in document["data"]:  # type: ignore[index]
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    yield {"context": paragraph["context"], **asked}
    except (KeyError, TypeError) as error:
        raise ValueError("not in the layout of SQuAD: data, paragraphs, context, qas") from error


def _answers(value: object, start: object) -> Iterator[Answer]:
    """Yield the answers in a list of objects, in one object, whose fields may be lists, or in a text that begins at `start`."""
    if isinstance(value, str):
        value = [{"text": value, "answer_start": start}] if value else []
    if isinstance(value, dict):
        texts, starts = value["text"], value["answer_start"]
        value = (
            [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)]
            if isinstance(texts, list)
            else [value]
        )
    if not isinstance(value, list):
        raise TypeError("answers are a list")
    for answer in value:
        if not isinstance(text := answer["text"], str):
            raise TypeError("an answer is a text")
        if text:
            yield Answer(repair(text)[0], _place(answer["answer_start"]))


def _place(value: object) -> int:
    """Return a whole number as numbers are written, also as 7.0, which tables make of 7. ValueError for any other value."""
    number = float(str(value))
    if isinstance(value, bool) or not number.is_integer():
        raise ValueError("no whole number")
    return int(number)
