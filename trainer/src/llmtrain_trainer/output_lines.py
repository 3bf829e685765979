"""The output of another program in lines: of a progress bar only a few states, and no line without end.

A progress bar draws a line again and again: a carriage return goes back to its beginning, or the terminal's sequence for
"cursor up" to an earlier line. Only its last state and, while it is drawn, one in DRAWING_SECONDS are passed on.
"""

import codecs
import re
import time
from collections.abc import Callable
from typing import IO

DRAWING_SECONDS = 10.0
"""Least time between two states of a line that is drawn again and again."""
MAX_LINE_CHARACTERS = 2**16
"""A longer line is passed on in pieces."""
READ_BYTES = 2**16
_ENDS = re.compile(r"(\r\n|\r|\n)")
_CURSOR_UP = re.compile(r"\x1b\[[0-9]*A")


class OutputLines:
    """Takes the output of a program in pieces, and passes each line on with its line break."""

    def __init__(self, on_line: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_line, self._clock = on_line, clock
        self._pieces: list[str] = []
        self._characters = 0
        self._held_return = ""
        self._drawing, self._is_above = "", False
        self._drawing_due = clock()

    def feed(self, text: str) -> None:
        """Take a piece of the output."""
        text = self._held_return + text
        self._held_return = "\r" if text.endswith("\r") else ""  # the next piece can begin with the "\n" of "\r\n"
        for part in _ENDS.split(text.removesuffix(self._held_return)):
            match part:
                case "\n" | "\r\n":
                    self._end_line()
                case "\r":
                    self._redraw(self._take())
                case _:
                    self._append(part)

    def close(self) -> None:
        """Pass on what is left at the end of the output."""
        if self._pieces or self._drawing:
            self._end_line()

    def _append(self, text: str) -> None:
        while self._characters + len(text) >= MAX_LINE_CHARACTERS:
            room = MAX_LINE_CHARACTERS - self._characters
            self._pieces.append(text[:room])
            self._pass_on(self._take())
            text = text[room:]
        if text:
            self._pieces.append(text)
            self._characters += len(text)

    def _take(self) -> str:
        """Return the current line, and begin a new one."""
        line = "".join(self._pieces)
        self._pieces, self._characters = [], 0
        return line

    def _redraw(self, drawing: str) -> None:
        """Keep the state of a line that is drawn again; pass it on if none has been for long enough."""
        text = _CURSOR_UP.sub("", drawing)
        if not text.strip():
            return
        self._drawing, self._is_above = text, text != drawing
        if self._clock() >= self._drawing_due:
            self._drawing_due = self._clock() + DRAWING_SECONDS
            self._pass_on(text)

    def _end_line(self) -> None:
        line = self._take()
        if _CURSOR_UP.search(line):
            self._redraw(line)
            return
        is_blank = not line.strip()
        if self._drawing and (is_blank or self._is_above):
            self._pass_on(self._drawing)
            if is_blank:
                return
        self._pass_on(line)

    def _pass_on(self, line: str) -> None:
        self._drawing = ""
        self._on_line(f"{line}\n")


def pass_on_lines(
    stream: IO[bytes], on_line: Callable[[str], None], on_output: Callable[[], None] = lambda: None
) -> None:
    """Pass on the lines of a stream until it ends; `on_output` is called whenever a line was ended or drawn again."""
    lines, decoder = OutputLines(on_line), codecs.getincrementaldecoder("utf-8")("replace")
    while content := stream.read1(READ_BYTES):  # type: ignore[attr-defined]
        if b"\n" in content or b"\r" in content:
            on_output()
        lines.feed(decoder.decode(content))
    lines.feed(decoder.decode(b"", final=True))
    lines.close()
