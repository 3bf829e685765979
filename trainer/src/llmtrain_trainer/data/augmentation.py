"""Augmentation of texts by operations on their words: the four of EDA (Wei & Zou 2019, "EDA: Easy Data Augmentation").

For each sample and epoch one operation is drawn among those that its words allow. It changes a share of the words: leaves them
out, swaps two, inserts words, or replaces words by synonyms. All draws are a function of a key. Special tokens stay where they
are, and words of which a space is no part, such as the first of a text in byte-level BPE, are not moved.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import takewhile
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.word_starts import Unit, WordStarts

TokenIds = tuple[int, ...]
T = TypeVar("T")


@dataclass
class Draws:
    """A sequence of random numbers that is a function of a key."""

    key: str
    _count: int = field(default=0, init=False)

    def below(self, limit: int) -> int:
        """Return the next number, from 0 and below `limit`."""
        digest = hashlib.blake2b(f"{self.key}/{self._count}".encode(), digest_size=8).digest()
        self._count += 1
        return int.from_bytes(digest) % limit

    def choose(self, values: Sequence[T]) -> T:
        """Return one of some values."""
        return values[self.below(len(values))]

    def sample(self, values: Sequence[T], count: int) -> list[T]:
        """Return `count` different ones of some values, in a drawn order."""
        pool = list(values)
        for place in range(count):
            other = place + self.below(len(pool) - place)
            pool[place], pool[other] = pool[other], pool[place]
        return pool[:count]


class Synonyms(Protocol):
    """Synonyms as tokens."""

    def replacing(self, word: Unit) -> Sequence[TokenIds]:
        """Return those that can stand in the place of a word; none if it has no synonym."""

    def inserted(self, word: Unit) -> Sequence[TokenIds]:
        """Return those of a word that can stand behind any other, with the space before them."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """The units of a sample, and what operations can do with them."""

    units: Sequence[Unit]
    words: Sequence[int]
    """Places of words among the units."""
    movable: Sequence[int]
    """Places of words that read the same in any place."""
    replaceable: Mapping[int, Sequence[TokenIds]]
    """Places of words that have synonyms, with these."""
    insertable: Sequence[Sequence[TokenIds]]
    """What can be inserted: the synonyms of each word that has some, or, without a lexicon, each movable word."""

    @classmethod
    def of(cls, units: Sequence[Unit], synonyms: Synonyms | None) -> "Text":
        """Return what can be done with the units of a sample."""
        words = [place for place, unit in enumerate(units) if unit.is_word]
        movable = [place for place in words if units[place].is_spaced]
        if synonyms is None:
            copies = [[units[place].tokens] for place in movable]
            return cls(units=units, words=words, movable=movable, replaceable={}, insertable=copies)
        replacing = {place: synonyms.replacing(units[place]) for place in words}
        inserted = [synonyms.inserted(units[place]) for place in words]
        return cls(
            units=units,
            words=words,
            movable=movable,
            replaceable={place: found for place, found in replacing.items() if found},
            insertable=[found for found in inserted if found],
        )

    @property
    def pieces(self) -> list[TokenIds]:
        """The tokens of each unit."""
        return [unit.tokens for unit in self.units]


def drop(text: Text, draws: Draws, count: int) -> list[TokenIds]:
    """Return the units without `count` of the words: at least one word is kept."""
    dropped = set(draws.sample(text.words, min(count, len(text.words) - 1)))
    return [piece for place, piece in enumerate(text.pieces) if place not in dropped]


def swap(text: Text, draws: Draws, count: int) -> list[TokenIds]:
    """Return the units after two words have changed places, `count` times."""
    pieces = text.pieces
    for _ in range(count):
        one, other = draws.sample(text.movable, 2)
        pieces[one], pieces[other] = pieces[other], pieces[one]
    return pieces


def insert(text: Text, draws: Draws, count: int) -> list[TokenIds]:
    """Return the units with `count` words more, each behind another word."""
    pieces = text.pieces
    for _ in range(count):
        inserted, place = draws.choose(draws.choose(text.insertable)), draws.choose(text.words)
        pieces[place] += inserted
    return pieces


def replace(text: Text, draws: Draws, count: int) -> list[TokenIds]:
    """Return the units with synonyms in the place of `count` of the words that have some."""
    pieces = text.pieces
    for place in draws.sample(list(text.replaceable), min(count, len(text.replaceable))):
        pieces[place] = draws.choose(text.replaceable[place])
    return pieces


OPERATIONS: Sequence[tuple[Callable[[Text, Draws, int], list[TokenIds]], Callable[[Text], bool]]] = (
    (drop, lambda text: len(text.words) > 1),
    (swap, lambda text: len(text.movable) > 1),
    (insert, lambda text: bool(text.insertable)),
    (replace, lambda text: bool(text.replaceable)),
)
"""Each with whether it changes a text."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Changes samples."""

    fraction: Fraction
    """Fraction of the words that is changed."""
    word_starts: WordStarts
    max_tokens: int
    """TokenIds of a sample at most; those beyond, before special ones at its end, are cut off."""
    synonyms: Synonyms | None = None

    def apply(self, tokens_L: NDArray[np.unsignedinteger], key: str) -> NDArray[np.unsignedinteger]:
        """Return the tokens of a sample after an operation on its words: a function of both arguments alone."""
        text = Text.of(self.word_starts.units(tokens_L), self.synonyms)
        operations = [operation for operation, is_possible in OPERATIONS if is_possible(text)]
        if not operations:
            return tokens_L
        draws, count = Draws(key), max(1, int(self.fraction * len(text.words)))
        pieces = draws.choose(operations)(text, draws, count)
        tokens = [token for piece in pieces for token in piece]
        return np.array(self._cut(tokens, _fixed_at_end(text.units)), dtype=tokens_L.dtype)

    def _cut(self, tokens: list[int], kept_at_end: int) -> list[int]:
        room = self.max_tokens - kept_at_end
        return (
            tokens[:room] + tokens[max(room, len(tokens) - kept_at_end) :] if len(tokens) > self.max_tokens else tokens
        )


def _fixed_at_end(units: Sequence[Unit]) -> int:
    """Return how many special tokens there are at the end."""
    return sum(1 for _ in takewhile(lambda unit: unit.is_fixed, reversed(units)))
