"""Naive Bayes counts the words of each class."""

import math

import numpy as np

from real_data.baselines.naive_bayes import NaiveBayes, words
from real_data.readers import Labelled

TRAINING = [Labelled("good good film", "pos"), Labelled("good", "pos"), Labelled("bad film", "neg")]


def test_scores_are_logarithms_of_smoothed_frequencies() -> None:
    model = NaiveBayes(TRAINING)
    assert model.classes == ("neg", "pos")
    # neg: bad 1, film 1, good 0; pos: bad 0, film 1, good 2 texts; each plus 1, over 5 and 6.
    expected = [math.log(1 / 3 * 2 / 5 * 1 / 5), math.log(2 / 3 * 2 / 6 * 3 / 6)]
    np.testing.assert_allclose(model.scores(["Film: GOOD"]), [expected])


def test_a_word_that_was_never_seen_counts_once_smoothed() -> None:
    seen, other = NaiveBayes(TRAINING).scores(["good", "good zebra"])
    np.testing.assert_allclose(other - seen, [math.log(1 / 5), math.log(1 / 6)])


def test_words_are_lower_case_with_marks() -> None:
    assert words("It's GOOD, good!") == {"it's", "good", "!"}
