"""The tokenizer of a model: reads a text as the model was trained to, with the special tokens around it.

A text that has too many tokens is cut, and the special tokens at its end are kept, as `transformers` does it.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from llmtrain_trainer.data.tokenizer import END_OF_TEXT, TOKENIZER_FILE, load_tokenizer, tokenizer_json
from llmtrain_trainer.errors import BadInput

MARGIN_TOKENS = 64
"""Tokens beyond those that are used, from which on the rest of a long text is not looked at: it can't change the others."""


@dataclass(frozen=True, kw_only=True)
class ModelTokenizer:
    """A tokenizer without the settings for truncation and padding that its file may have."""

    tokenizer: Tokenizer

    @classmethod
    def open(cls, directory: Path) -> "ModelTokenizer":
        """Return the tokenizer in a folder. BadInput if its file is invalid."""
        try:
            tokenizer = load_tokenizer(directory)
        except Exception as error:  # the library raises nothing else
            raise BadInput(
                f"spec.model.from: '{directory / TOKENIZER_FILE}' is not valid: {error}; copy the folder again"
            ) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer=tokenizer)

    @property
    def vocab_size(self) -> int:
        """One more than its greatest token."""
        return max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    @functools.cached_property
    def around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The special tokens before and after those of a text."""
        return self._around("a")

    @functools.cached_property
    def after_two(self) -> int:
        """How many special tokens are after two texts."""
        return len(self._around("a", "a")[1])

    @functools.cached_property
    def separator(self) -> int | None:
        """The token that ends the first of two texts, if the second is of another segment; None if it is of the same."""
        both = self._whole("a", "a")
        if max(both.type_ids) == 0 or not self.tokenizer.num_special_tokens_to_add(is_pair=True):
            return None
        return int(both.ids[both.sequence_ids.index(1) - 1])

    @property
    def end_of_document(self) -> tuple[int, ...]:
        """What stands between two documents of running text: what follows a text, or the end of text."""
        token = self.tokenizer.token_to_id(END_OF_TEXT)
        return self.around[1][:1] or (() if token is None else (int(token),))

    @property
    def unknown(self) -> int:
        """The token of what it has no other for."""
        token = self.tokenizer.token_to_id(getattr(self.tokenizer.model, "unk_token", None) or "")
        return 0 if token is None else int(token)

    def _around(self, text: str, pair: str | None = None) -> tuple[tuple[int, ...], tuple[int, ...]]:
        whole = self._whole(text, pair)
        of_text = [position for position, text in enumerate(whole.sequence_ids) if text is not None]
        return tuple(whole.ids[: of_text[0]]), tuple(whole.ids[of_text[-1] + 1 :])

    def _whole(self, text: str, pair: str | None = None) -> Encoding:
        self.tokenizer.no_truncation()
        return self.tokenizer.encode(text, pair)

    def require_room(self, max_tokens: int) -> None:
        """BadInput if special tokens leave no room for one of the text."""
        special = self.tokenizer.num_special_tokens_to_add(is_pair=False)
        if max_tokens <= special:
            raise BadInput(
                f"spec.data.maxTokens: {max_tokens} leaves no room beside the {special} special tokens of the model's tokenizer; "
                f"set it to at least {special + 1}"
            )

    @property
    def digest(self) -> str:
        """Checksum of what the tokens of a text depend on."""
        self.tokenizer.no_truncation()
        return hashlib.sha256(tokenizer_json(self.tokenizer).encode()).hexdigest()

    def encode(self, text: str, max_tokens: int) -> tuple[list[int], bool]:
        """Return at most `max_tokens` tokens of a text, special ones included, and whether it has more."""
        self.tokenizer.enable_truncation(max_tokens)
        encoding = self.tokenizer.encode(text)
        return encoding.ids, bool(encoding.overflowing)

    def is_enough(self, parts: Sequence[str], max_tokens: int) -> bool:
        """Return whether the first parts of a text decide all tokens of it that are used."""
        self.tokenizer.no_truncation()
        return len(self.tokenizer.encode("".join(parts), add_special_tokens=False)) > max_tokens + MARGIN_TOKENS
