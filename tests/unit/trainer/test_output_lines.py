"""Every line of a program is passed on, of a progress bar a few states, and none is endless."""

import io
import random

import pytest

from llmtrain_trainer.output_lines import DRAWING_SECONDS, MAX_LINE_CHARACTERS, OutputLines, pass_on_lines


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def lines_of(*pieces: str, clock: Clock | None = None, step: float = 0.0) -> list[str]:
    """Return the lines of an output whose pieces come `step` seconds apart."""
    found: list[str] = []
    clock = clock or Clock()
    lines = OutputLines(found.append, clock)
    for piece in pieces:
        lines.feed(piece)
        clock.seconds += step
    lines.close()
    return found


CASES = [
    pytest.param(["one\ntwo\n"], ["one\n", "two\n"], id="lines"),
    pytest.param(["one\n\n", "tw", "o"], ["one\n", "\n", "two\n"], id="pieces, an empty line and one without an end"),
    pytest.param(["one\r", "\ntwo\r\n"], ["one\n", "two\n"], id="Windows' line ends"),
    pytest.param(["\r1/3\r2/3\r3/3\ndone\n"], ["1/3\n", "3/3\n", "done\n"], id="a bar: its first and last state"),
    pytest.param(["1/3\r2/3\r3/3\r", "\ndone\n"], ["1/3\n", "3/3\n", "done\n"], id="a bar that ends with both"),
    pytest.param(["1/3\r2/3\r3/3\r      \r", "done\n"], ["1/3\n", "done\n"], id="a bar that is wiped away"),
    pytest.param(["1/3\r2/3\r3/3"], ["1/3\n", "3/3\n"], id="a program that ends while it draws"),
    pytest.param(["1/3\r2/3\r"], ["1/3\n", "2/3\n"], id="a program that ends after drawing"),
    pytest.param(
        ["\n\r1/3\x1b[A\n\r2/3\x1b[A\n\r3/3\x1b[A", "\rdone\n"],
        ["\n", "1/3\n", "3/3\n", "done\n"],
        id="a bar below another one",
    ),
    pytest.param(["\r"], [], id="nothing but a return"),
]


@pytest.mark.parametrize(("pieces", "lines"), CASES)
def test_lines_are_passed_on(pieces: list[str], lines: list[str]) -> None:
    assert lines_of(*pieces) == lines


def test_a_bar_that_is_drawn_for_long_has_a_line_now_and_then() -> None:
    drawings = [f"\r{number}/300" for number in range(300)]
    lines = lines_of(*drawings, "\n", step=DRAWING_SECONDS / 10)
    assert len(lines) == pytest.approx(31, abs=1)
    assert lines[-1] == "299/300\n"


def test_lines_between_two_drawings_are_all_passed_on() -> None:
    lines = lines_of("\r1/3\r2/3", "\nwarning: slow\n", "\r3/3\n")
    assert lines == ["1/3\n", "2/3\n", "warning: slow\n", "3/3\n"]


def test_a_line_without_end_is_passed_on_in_pieces() -> None:
    lines = lines_of(*["x" * 1000] * 200, "\nend\n")
    assert "".join(line.rstrip("\n") for line in lines) == "x" * 200_000 + "end"
    assert max(map(len, lines)) == MAX_LINE_CHARACTERS + 1


def test_the_lines_do_not_depend_on_the_pieces() -> None:
    source = random.Random(3)
    text = "".join(source.choices(["a", "\n", "\r", "\r\n", "é", "bar 1/3", "\x1b[A"], k=2000))
    whole = lines_of(text)
    for _ in range(20):
        cuts = sorted(source.sample(range(len(text)), 50))
        assert lines_of(*(text[i:j] for i, j in zip([0, *cuts], [*cuts, len(text)], strict=True))) == whole


def test_a_stream_is_read_to_its_end_whatever_its_bytes_are() -> None:
    found: list[str] = []
    outputs: list[None] = []
    pass_on_lines(io.BufferedReader(io.BytesIO(b"\xc3\xa9\n\xff end")), found.append, lambda: outputs.append(None))
    assert (found, len(outputs)) == (["é\n", "\N{REPLACEMENT CHARACTER} end\n"], 1)
