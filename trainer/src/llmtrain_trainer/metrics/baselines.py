"""What trivial methods answer, from the training part alone: a model that has learned anything is better.

Their answers are judged by the same metric and on the same samples as the model's. Some methods need no function: the mean
of the labels for a number, a copy of the source for a translation, no answer for a question. `data/unigram.py` has the
one for language models.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

USERS_PER_BLOCK = 2**14
"""Users whose items are sorted at a time."""


def majority_class(label_counts_K: NDArray[np.int64]) -> int:
    """Return the class that most training samples have, of equally frequent ones the first."""
    return int(label_counts_K.argmax())


def popularity(item_counts_I: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a score for each item: the more often it occurs in training, the higher; of equally frequent ones the first."""
    scores_I = np.empty(len(item_counts_I))
    scores_I[np.argsort(-item_counts_I, kind="stable")] = np.arange(len(item_counts_I), 0, -1)
    return scores_I


def first_words(text: str, count: int) -> str:
    """Return the first words of a text as its summary (the lead baseline)."""
    return " ".join(text.split()[:count])


@dataclass(frozen=True, kw_only=True)
class NextItem:
    """The items that most often follow the one before (a Markov chain), of equally frequent ones the most popular."""

    popularity: NDArray[np.float64]
    """A score for each item, below 1 (items,)."""
    pairs: NDArray[np.int64]
    """The numbers of two items that follow each other as one number, first · items + second, in order (pairs,)."""
    counts: NDArray[np.int64]
    """How often each pair occurs (pairs,)."""

    @classmethod
    def of(cls, items: NDArray[np.integer], offsets: NDArray[np.int64], item_counts_I: NDArray[np.int64]) -> "NextItem":
        """Count the pairs of the training sequences, which lie in `items` from each offset up to the next one."""
        scores_I = popularity(item_counts_I)
        first = items[:-1].astype(np.int64)
        within = np.ones(len(first), dtype=bool)
        within[offsets[1:-1] - 1] = False
        pairs, counts = np.unique((first * len(scores_I) + items[1:])[within], return_counts=True)
        return cls(popularity=scores_I / (scores_I.max() + 1), pairs=pairs, counts=counts)

    @property
    def most_popular(self) -> "NextItem":
        """The items that occur most often, whatever came before."""
        return replace(self, pairs=self.pairs[:0], counts=self.counts[:0])

    def ranks(
        self, items: NDArray[np.integer], offsets: NDArray[np.int64], targets_U: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Return the rank of each target, counted from 1, as the item after a sequence (users, 1).

        The sequences lie in `items` from each offset up to the next one. Their items are not recommended, and do not count.
        The time is that of sorting the items, and does not depend on how many others there are.
        """
        found = [
            self._ranks(
                items[offsets[start] : offsets[stop]], offsets[start : stop + 1] - offsets[start], targets_U[start:stop]
            )
            for start in range(0, len(targets_U), USERS_PER_BLOCK)
            for stop in [min(start + USERS_PER_BLOCK, len(targets_U))]
        ]
        return np.concatenate(found)[:, np.newaxis]

    def _ranks(
        self, items_N: NDArray[np.integer], offsets: NDArray[np.int64], targets_U: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        users, size = len(targets_U), len(self.popularity)
        before_U = items_N[offsets[1:] - 1].astype(np.int64)
        scores_U = self._scores(before_U, targets_U)
        above_U = _above(self.popularity, scores_U)
        order_U = np.argsort(before_U, kind="stable")
        lasts, first_users = np.unique(before_U[order_U], return_index=True)
        for last, group in zip(lasts, np.split(order_U, first_users[1:]), strict=True):
            row = slice(*np.searchsorted(self.pairs, (last * size, (last + 1) * size)))
            popularity_P = self.popularity[self.pairs[row] % size]
            above_U[group] += _above(popularity_P + self.counts[row], scores_U[group])
            above_U[group] -= _above(popularity_P, scores_U[group])
        user_of_item_N = np.repeat(np.arange(users), np.diff(offsets))
        user_S, item_S = np.divmod(np.unique(user_of_item_N * size + items_N), size)
        is_above_S = self._scores(before_U[user_S], item_S) > scores_U[user_S]
        above_U -= np.bincount(user_S[is_above_S], minlength=users)
        return above_U.astype(np.float64) + 1

    def _scores(self, before_N: NDArray[np.int64], items_N: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return how often each item follows the one before, and less than 1 more by its popularity (N,)."""
        scores_N: NDArray[np.float64] = self.popularity[items_N]
        wanted_N = before_N * len(self.popularity) + items_N
        places_N = np.searchsorted(self.pairs, wanted_N)
        is_found_N = places_N < len(self.pairs)
        is_found_N[is_found_N] = self.pairs[places_N[is_found_N]] == wanted_N[is_found_N]
        scores_N[is_found_N] += self.counts[places_N[is_found_N]]
        return scores_N


def _above(values_P: NDArray[np.float64], scores_U: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many of the values are above each score (U,)."""
    return len(values_P) - np.searchsorted(np.sort(values_P), scores_U, side="right")


@dataclass(frozen=True, kw_only=True)
class MostFrequentTag:
    """The tag that each word most often has in training; of equally frequent ones the first in order."""

    by_word: Mapping[str, int]
    of_unknown_words: int
    """The most frequent tag of all words."""

    @classmethod
    def of(cls, tagged_words: Iterable[tuple[str, int]]) -> "MostFrequentTag":
        """Count the words of the training part with the numbers of their tags. ValueError without a word."""
        by_word: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for word, tag in tagged_words:
            by_word[word][tag] += 1
        if not by_word:
            raise ValueError("the training part has no tagged words")
        overall: Counter[int] = Counter()
        for counts in by_word.values():
            overall.update(counts)
        return cls(
            by_word={word: _most_frequent(counts) for word, counts in by_word.items()},
            of_unknown_words=_most_frequent(overall),
        )

    def tags(self, words: Iterable[str]) -> list[int]:
        """Return the tag of each word."""
        return [self.by_word.get(word, self.of_unknown_words) for word in words]


def _most_frequent(counts: Counter[int]) -> int:
    return min(counts, key=lambda tag: (-counts[tag], tag))
