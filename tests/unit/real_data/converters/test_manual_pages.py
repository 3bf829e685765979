"""Questions are made of the options in manual pages."""

import gzip
from pathlib import Path

import pytest

from real_data.converters.manual_pages import FOLDER, Option, clean, options, questions, read_options, unanswerable

MANUAL_PAGE = r"""
.SH OPTIONS
.TP
\fB\-a\fR, \fB\-\-all\fR
do not ignore entries starting with a dot.  More.
.TP
.B \-b
print octal escapes for
nongraphic characters
.TP
\fB\-c\fR
too short
.TP
\fB\-a\fR
is an article by the rules of SQuAD
.TP
\fBname\fR
has no dash at its start
.TP
.BR \-d ", " \-\-directory
list directories themselves, not their contents.
"""
ALL = Option("--all", "-a, --all", "do not ignore entries starting with a dot")
FOUND = [Option(f"-{letter}", f"-{letter}", f"does thing {letter} with files") for letter in "bcdefghijklm"]


def test_options_are_tagged_paragraphs_with_a_description() -> None:
    found = options(MANUAL_PAGE)
    assert [each.name for each in found] == ["--all", "-b", "--directory"]
    assert found[0] == ALL
    assert found[1].description == "print octal escapes for nongraphic characters"


def test_pages_with_few_options_are_left_out(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    for name, text in (("ls", MANUAL_PAGE), ("true", MANUAL_PAGE[: MANUAL_PAGE.index(".TP\n.B ")])):
        (tmp_path / FOLDER / f"{name}.1.gz").write_bytes(gzip.compress(text.encode()))
    assert list(read_options([tmp_path])) == ["ls"]


@pytest.mark.parametrize("number", [0, 5, 11])
def test_the_answer_is_where_it_starts(number: int) -> None:
    asked = list(questions("ls", FOUND))[number]
    assert asked.answer == FOUND[number].name
    assert asked.answer_start is not None
    assert asked.context[asked.answer_start :].startswith(f"{FOUND[number].head}: {FOUND[number].description}.")
    assert asked.question == f"Which option of ls does this: {FOUND[number].description}?"


def test_a_question_without_answer_has_no_context_with_it() -> None:
    asked = list(unanswerable("ls", FOUND))
    assert len(asked) == 4
    for each in asked:
        assert each.answer_start is None
        assert f"{each.answer}:" not in each.context
        assert each.context.count(": does thing") > 3


def test_escapes_of_troff_are_removed() -> None:
    assert clean(r"\fB\-x\fR  \(aqa\(aq\&b \e") == r"-x 'a'b \ ".strip()
