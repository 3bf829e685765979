"""SQuAD's layout of questions about texts, versions 1.1 and 2.0."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about a context, and where in it the answer starts (in characters); None if it has no answer."""

    title: str
    context: str
    question: str
    answer: str
    answer_start: int | None


def write_squad(folder: Path, parts: Mapping[str, Sequence[Question]], *, version: str) -> None:
    """Write `<part>.json`: articles, their paragraphs, and the questions of each.

    Version 1.1 has no questions without an answer, and no field `is_impossible`.
    """
    for part, questions in parts.items():
        articles = [
            {
                "title": title,
                "paragraphs": [
                    _paragraph(context, list(asked), version)
                    for context, asked in groupby(list(of_title), key=lambda each: each.context)
                ],
            }
            for title, of_title in groupby(questions, key=lambda each: each.title)
        ]
        content = json.dumps({"version": version, "data": articles}, ensure_ascii=False)
        (folder / f"{part}.json").write_text(content, encoding="utf-8")


def _paragraph(context: str, questions: Sequence[Question], version: str) -> dict[str, Any]:
    return {"context": context, "qas": [_entry(question, version) for question in questions]}


def _entry(question: Question, version: str) -> dict[str, Any]:
    identity = f"{question.title}\n{question.context}\n{question.question}\n{question.answer}"
    answers = [{"text": question.answer, "answer_start": question.answer_start}]
    entry: dict[str, Any] = {
        "id": hashlib.blake2b(identity.encode(), digest_size=12).hexdigest(),
        "question": question.question,
        "answers": answers if question.answer_start is not None else [],
    }
    if version != "1.1":
        entry["is_impossible"] = question.answer_start is None
        if question.answer_start is None:
            entry["plausible_answers"] = []
    return entry
