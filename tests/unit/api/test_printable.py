"""Reported text cannot move a cursor, break an encoding or grow without a bound."""

import pytest

from llmtrain_api.printable import printable, printable_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("loss 3.2", "loss 3.2", id="plain text stays"),
        pytest.param("größe 漢字 ✓", "größe 漢字 ✓", id="letters of any script stay"),
        pytest.param("\x1b[2J\x1b[31mred\x1b[0m", "red", id="colours and cursor movements go"),
        pytest.param("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\", "text", id="titles and links of a terminal go"),
        pytest.param("a\x00b\x07c\x7f\x9bd", "abcd", id="control characters go"),
        pytest.param("a\u202eb\u200bc", "abc", id="characters that reverse or hide text go"),
        pytest.param("a\ud800b", "ab", id="what UTF-8 cannot encode goes"),
        pytest.param("a\nb\tc\r", "a b c", id="a line break is a space"),
        pytest.param("x" * 100, "x" * 20, id="long text is cut"),
    ],
)
def test_text_is_printable(text: str, expected: str) -> None:
    assert printable(text, 20) == expected


def test_a_text_of_several_lines_keeps_them() -> None:
    assert printable("def f():\n\treturn 1\r\x1b[A", 100, multiline=True) == "def f():\n\treturn 1"


def test_the_last_lines_are_kept() -> None:
    assert printable_lines(["a", "b\x1b[1m", "cccc"], max_lines=2, max_length=3) == ["b", "ccc"]
