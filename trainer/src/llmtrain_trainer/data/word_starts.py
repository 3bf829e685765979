"""Which tokens of a sample belong to one word, known from the tokens alone, whatever the tokenizer is.

Each token of the vocabulary is decoded once behind another one. One whose text begins with whitespace begins a word; so does
one after a change between letters or digits and other characters, as in the patterns by which tokenizers split a text.

Letters of shape suffixes: V vocabulary, L tokens of a sample.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from llmtrain_trainer.errors import BadInput

NOTHING, SPACE, WORD, MARK, FIXED = range(5)
"""What a token begins or ends with: no text, a space that belongs to what follows, a letter or digit, any other character. FIXED
is a special token."""
INCOMPLETE = "\ufffd"
"""What a part of the bytes of a character is decoded to."""


class Unit(NamedTuple):
    """Consecutive tokens of a sample: a word, other characters in a row, whitespace, or a special token."""

    tokens: tuple[int, ...]
    is_word: bool
    """Whether it has letters or digits, or is a word that the tokenizer does not know."""
    is_spaced: bool
    """Whether a space belongs to its beginning, so that it reads the same in any place."""
    is_fixed: bool = False
    """Whether it is a special token."""


@dataclass(frozen=True, kw_only=True)
class WordStarts:
    """What is known of each token of a vocabulary."""

    first: NDArray[np.int8]
    """What it begins with, after a space (V,)."""
    last: NDArray[np.int8]
    """What it ends with (V,)."""
    is_spaced: NDArray[np.bool_]
    """Whether its text begins with whitespace (V,)."""

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "WordStarts":
        """Return that of a tokenizer. BadInput if its tokens do not say where words begin."""
        if getattr(tokenizer.model, "end_of_word_suffix", None):
            raise BadInput(
                "spec.training.augment: the tokenizer of the model marks the ends of words, not where they begin, so words can't be "
                "changed; remove spec.training.augment, or take another model"
            )
        added = tokenizer.get_added_tokens_decoder()
        unknown = unknown_token(tokenizer)
        fixed = {token for token, how in added.items() if how.special and token != unknown}
        size = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        first_V, last_V = np.zeros((2, size), dtype=np.int8)
        is_spaced_V = np.zeros(size, dtype=np.bool_)
        before = (tokenizer.encode("a", add_special_tokens=False).ids or [0])[-1]
        before_text = tokenizer.decode([before], skip_special_tokens=False)
        for token in range(size):
            if token in fixed:
                first_V[token] = last_V[token] = FIXED
                continue
            text = tokenizer.decode([before, token], skip_special_tokens=False).removeprefix(before_text)
            is_spaced_V[token] = text[:1].isspace()
            first_V[token], last_V[token] = (WORD, WORD) if token == unknown else _ends(text)
        return cls(first=first_V, last=last_V, is_spaced=is_spaced_V)

    def units(self, tokens_L: NDArray[np.unsignedinteger]) -> list[Unit]:
        """Return the units of a sample, which together have all of its tokens."""
        if not len(tokens_L):
            return []
        first_L, last_L, is_spaced_L = self.first[tokens_L], self.last[tokens_L], self.is_spaced[tokens_L]
        changes = (first_L[1:] != last_L[:-1]) & (last_L[:-1] != SPACE)
        begins = np.flatnonzero(is_spaced_L[1:] | changes | (first_L[1:] == FIXED)) + 1
        starts = [0, *begins.tolist()]
        tokens, kinds, spaced = tokens_L.tolist(), first_L.tolist(), is_spaced_L.tolist()
        return [
            _unit(tokens[start:stop], kinds[start:stop], is_spaced=spaced[start])
            for start, stop in zip(starts, [*starts[1:], len(tokens)], strict=True)
        ]


def unknown_token(tokenizer: Tokenizer) -> int | None:
    """Return the token of words that a tokenizer has no other for; None if there is no such token."""
    token = tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "")
    return None if token is None else int(token)


def _unit(tokens: Sequence[int], kinds: Sequence[int], *, is_spaced: bool) -> Unit:
    kind = kinds[1] if kinds[0] == NOTHING and len(kinds) > 1 else kinds[0]
    return Unit(tuple(tokens), is_word=kind == WORD, is_spaced=is_spaced, is_fixed=kind == FIXED)


def _ends(text: str) -> tuple[int, int]:
    """Return what a text begins with, after the whitespace, and what it ends with."""
    stripped = text.strip()
    if not stripped:
        return NOTHING, SPACE if text.endswith(" ") else NOTHING
    return _kind(stripped[0]), _kind(text[-1])


def _kind(character: str) -> int:
    if character == INCOMPLETE or unicodedata.category(character)[0] in "LMN":
        return WORD
    return NOTHING if character.isspace() else MARK
