"""The sequences that are read of a question: all of it, and a window of its context.

A sequence is END_OF_TEXT, the question, END_OF_TEXT, a window. Its first token stands for "no answer in this window". A
context that is longer than its room is read in several windows, which overlap by a third, so that an answer at the end of one
is whole in the next.
"""

from typing import NamedTuple

from tokenizers import Tokenizer

from llmtrain_trainer.data.questions import Answer, Question
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID

OVERLAP = 1 / 3
"""The part of a window that the next one repeats."""


class Window(NamedTuple):
    """A sequence with a window of a context."""

    tokens: list[int]
    first: int
    """The position of the first token of the context."""
    characters: list[tuple[int, int]]
    """For each token of the window, the characters of the context at which it begins and ends."""

    def span(self, answer: Answer) -> tuple[int, int]:
        """Return the positions of the first and the last token of an answer; 0, 0 if not all of it is in the window."""
        stop = answer.start + len(answer.text)
        if not self.characters[0][0] <= answer.start or not stop <= self.characters[-1][1]:
            return 0, 0
        inside = [
            position for position, (left, right) in enumerate(self.characters) if left < stop and right > answer.start
        ]
        return (self.first + inside[0], self.first + inside[-1]) if inside else (0, 0)

    def characters_of(self, start: int, last: int) -> tuple[int, int]:
        """Return the characters of the context from the token at `start` to the one at `last`, both included."""
        return self.characters[start - self.first][0], self.characters[last - self.first][1]


def question_windows(
    tokenizer: Tokenizer, question: Question, max_tokens: int, separator: int = END_OF_TEXT_ID
) -> list[Window]:
    """Return the sequences of a question, of at most `max_tokens` tokens, of which the question takes at most half."""
    asked = tokenizer.encode(question.question).ids[: max_tokens // 2 - 2]
    context = tokenizer.encode(question.context)
    prefix = [separator, *asked, separator]
    room = max_tokens - len(prefix)
    step = max(1, room - int(room * OVERLAP))
    starts = range(0, max(1, len(context.ids) - room + step), step)
    return [
        Window(
            tokens=[*prefix, *context.ids[start : start + room]],
            first=len(prefix),
            characters=context.offsets[start : start + room],
        )
        for start in starts
    ]


def is_shortened(tokenizer: Tokenizer, question: Question, max_tokens: int, special: int = 2) -> bool:
    """Return whether not all of the question fits, beside a number of `special` tokens."""
    return len(tokenizer.encode(question.question, add_special_tokens=False).ids) > max_tokens // 2 - special
