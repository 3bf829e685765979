"""Sequences with the tokenizer of a model: the special tokens are those that it puts around a text, or around two."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.question_windows import OVERLAP, Window, is_shortened, question_windows
from llmtrain_trainer.data.questions import Question
from llmtrain_trainer.data.tokenizer import END_OF_TEXT
from llmtrain_trainer.errors import BadInput

NO_TOKENS = "."
"""Stands for a context of characters that the tokenizer leaves out, so that there is something to read."""


@dataclass(frozen=True, kw_only=True)
class ModelEncoding:
    """The tokenizer of a model. Implements `Encoding`."""

    model: ModelTokenizer
    dtype: "np.dtype[np.unsignedinteger]"

    @property
    def before(self) -> tuple[int, ...]:
        """Special tokens before those of a text."""
        return self.model.around[0]

    @property
    def after(self) -> tuple[int, ...]:
        """Special tokens after them."""
        return self.model.around[1]

    @property
    def unknown(self) -> int:
        """The token of what the tokenizer has no other for."""
        return self.model.unknown

    def encode(self, text: str) -> bytes:
        """Return the tokens of a text without special ones: none for white space that the tokenizer leaves out."""
        return np.array(self._tokenizer.encode(text, add_special_tokens=False).ids, dtype=self.dtype).tobytes()

    def beginning(self, text: str, max_tokens: int) -> NDArray[np.unsignedinteger]:
        """Return at most `max_tokens` tokens of a text, special ones included."""
        return np.array(self.model.encode(text, max_tokens)[0], dtype=self.dtype)

    def windows(self, question: Question, max_tokens: int) -> list[Window]:
        """Return the sequences of a question: question and a window of the context, as the tokenizer joins two texts.

        One that puts nothing between two texts is used as one of llmtrain's own. BadInput if it has no end of text either.
        """
        tokenizer = self._tokenizer
        special = tokenizer.num_special_tokens_to_add(is_pair=True)
        if not special:
            return question_windows(tokenizer, question, max_tokens, self._end_of_text())
        asked = tokenizer.encode(question.question, add_special_tokens=False)
        kept = len(asked.ids[: max_tokens // 2 - special])
        beginning = question.question[: asked.offsets[kept - 1][1]] if kept < len(asked.ids) else question.question
        context = question.context if tokenizer.encode(question.context, add_special_tokens=False).ids else NO_TOKENS
        room = max_tokens - special - kept
        tokenizer.enable_truncation(max_tokens, stride=int(room * OVERLAP), strategy="only_second")
        found = tokenizer.encode(beginning, context)
        return [
            Window(
                tokens=each.ids,
                first=each.sequence_ids.index(1),
                characters=[
                    offset for of_text, offset in zip(each.sequence_ids, each.offsets, strict=True) if of_text == 1
                ],
            )
            for each in (found, *found.overflowing)
        ]

    def shortens(self, question: Question, max_tokens: int) -> bool:
        """Return whether only the beginning of a question is in its windows."""
        special = self._tokenizer.num_special_tokens_to_add(is_pair=True)
        return is_shortened(self._tokenizer, question, max_tokens, special or 2)

    @property
    def _tokenizer(self) -> Tokenizer:
        """The tokenizer, which cuts no text."""
        self.model.tokenizer.no_truncation()
        return self.model.tokenizer

    def _end_of_text(self) -> int:
        token = self.model.tokenizer.token_to_id(END_OF_TEXT)
        if token is None:
            raise BadInput(
                "spec.model.from: the tokenizer of the model puts nothing between a question and its text, so that it "
                "does not see where the text begins; name a folder with another model"
            )
        return int(token)
