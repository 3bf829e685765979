"""Naive Bayes on the words of a text (McCallum and Nigam 1998), the strongest simple method for topics and sentiment.

A word counts once in a text. Counts are smoothed by one.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from real_data.readers import Labelled

_WORD = re.compile(r"[a-z0-9']+|[!?]")


class NaiveBayes:
    """The logarithm of the probability of each class, up to a constant of the text."""

    def __init__(self, training: Sequence[Labelled]) -> None:
        """Count the words of the training part by class."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for text, label in training:
            counts[label].update(words(text))
        self.classes = tuple(sorted(counts))
        self._numbers = {word: number for number, word in enumerate(sorted(set().union(*counts.values())))}
        # Words are rows, and classes columns.
        smoothed = np.array([[counts[name][word] + 1 for name in self.classes] for word in self._numbers], dtype=float)
        labels = Counter(label for _, label in training)
        self._log_prior = np.log([labels[name] / len(training) for name in self.classes])
        self._log_words = np.log(smoothed / smoothed.sum(axis=0))

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the scores of each class (texts, classes). Words that were never seen have the smallest probability."""
        never_seen = self._log_words.min(axis=0)
        rows = []
        for text in texts:
            found = words(text)
            known = [self._numbers[word] for word in sorted(found) if word in self._numbers]
            rows.append(self._log_prior + self._log_words[known].sum(axis=0) + (len(found) - len(known)) * never_seen)
        return np.array(rows)


def words(text: str) -> set[str]:
    """Return the different words of a text, in lower case, and its exclamation and question marks."""
    return set(_WORD.findall(text.lower()))
