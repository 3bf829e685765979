"""How texts become the sequences that a network reads: what the tokenizers of llmtrain and those of models have in common.

cached_encoding.py   tokenizers that are trained on the job's text
model_encoding.py    the tokenizer of a model, with special tokens around a text
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.question_windows import Window
from llmtrain_trainer.data.questions import Question


class Encoding(Protocol):
    """A tokenizer, and what stands around the tokens of a text."""

    @property
    def dtype(self) -> "np.dtype[np.unsignedinteger]":
        """Type of one token."""

    @property
    def before(self) -> tuple[int, ...]:
        """Special tokens before those of a text."""

    @property
    def after(self) -> tuple[int, ...]:
        """Special tokens after them."""

    @property
    def unknown(self) -> int:
        """The token of what it has no other for."""

    def encode(self, text: str) -> bytes:
        """Return the tokens of a text without special ones."""

    def beginning(self, text: str, max_tokens: int) -> NDArray[np.unsignedinteger]:
        """Return at most `max_tokens` tokens of a text, special ones included."""

    def windows(self, question: Question, max_tokens: int) -> list[Window]:
        """Return the sequences of a question, of at most `max_tokens` tokens, special ones included."""

    def shortens(self, question: Question, max_tokens: int) -> bool:
        """Return whether only the beginning of a question is in its windows."""
