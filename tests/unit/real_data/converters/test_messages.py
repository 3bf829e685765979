"""Messages that stand in another message's row, and questions of TREC, are read."""

from pathlib import Path

import pytest

from real_data.converters.messages import SMS, TREC, Message, TypedQuestion, read_messages, read_questions
from real_data.errors import Unreadable


def package(tmp_path: Path, name: str, content: str) -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode())
    return tmp_path


def test_a_row_can_hold_several_messages(tmp_path: Path) -> None:
    content = ',spam,text\n0,0,"Hi, you"\n1,0,"Keep in touch"" dear\nham\tOk.\nspam\tWin\t£200"\n2,1,Free\n'
    rows, messages = read_messages(package(tmp_path, SMS, content))
    assert rows == 3
    assert messages == [
        Message("Hi, you", "ham"),
        Message('Keep in touch" dear', "ham"),
        Message("Ok.", "ham"),
        Message("Win £200", "spam"),
        Message("Free", "spam"),
    ]


def test_questions_are_read_once(tmp_path: Path) -> None:
    content = "NUM:date When was it ?\nLOC:city Where is it ?\nNUM:date When was it ?\n\n"
    questions = read_questions(package(tmp_path, TREC, content))
    assert questions == [TypedQuestion("When was it ?", "NUM", "date"), TypedQuestion("Where is it ?", "LOC", "city")]


def test_a_line_without_a_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"question_labels\.txt:2: expected `TYPE:subtype question`"):
        read_questions(package(tmp_path, TREC, "NUM:date When ?\nWhere ?\n"))
