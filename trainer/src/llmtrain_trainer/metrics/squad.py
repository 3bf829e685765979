"""Exact match and F1 of answers, by the rules of the evaluation scripts of SQuAD (Rajpurkar et al. 2016, 2018).

Answers are compared without case, punctuation, articles and repeated spaces. F1 is of the words that both have. A question
without an answer is right if the model gives none.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmtrain_trainer.metrics.metric import Floats, Scores, ratios, weighted_sums

_ARTICLE = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, kw_only=True)
class Squad:
    """Scores of answers: `exactMatch` and `f1` over all questions; `exactMatch/answer` and `f1/answer` over those that have
    an answer; `exactMatch/noAnswer` over those that have none.
    """

    @property
    def columns(self) -> int:
        """Whether the question has an answer, whether the model's matches, and its F1."""
        return 3

    def rows(self, predictions: Sequence[str], answers: Sequence[Sequence[str]]) -> Floats:
        """Return the rows of a batch, from the model's answers and all accepted ones, of which the nearest counts.

        An empty text is no answer. A question without accepted answers, or only with some that are empty, has none.
        """
        rows_BC = np.zeros((len(predictions), self.columns))
        for row, prediction, accepted in zip(rows_BC, predictions, answers, strict=True):
            words = _words(prediction)
            accepted_words = [found for found in map(_words, accepted) if found]
            targets = accepted_words or [[]]
            row[:] = bool(accepted_words), words in targets, max(_f1(words, target) for target in targets)
        return rows_BC

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        answered_S, exact_S, f1_S = table_SC.T
        columns_SC = np.stack([exact_S, f1_S, answered_S, exact_S * answered_S, f1_S * answered_S], axis=1)
        exact_R, f1_R, answered_R, answered_exact_R, answered_f1_R = weighted_sums(columns_SC, weights_RS).T
        all_R = weights_RS.sum(axis=1)
        return {
            "exactMatch": ratios(exact_R, all_R),
            "f1": ratios(f1_R, all_R),
            "exactMatch/answer": ratios(answered_exact_R, answered_R),
            "f1/answer": ratios(answered_f1_R, answered_R),
            "exactMatch/noAnswer": ratios(exact_R - answered_exact_R, all_R - answered_R),
        }


def _words(text: str) -> list[str]:
    return _ARTICLE.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split()


def _f1(words: list[str], target: list[str]) -> float:
    if words == target:
        return 1.0
    return 2 * (Counter(words) & Counter(target)).total() / (len(words) + len(target))
