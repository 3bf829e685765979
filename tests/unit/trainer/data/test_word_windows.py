"""Words are left out and drawn by how often they occur, as in word2vec; token 0 is no word."""

import numpy as np

from llmtrain_trainer.data.word_windows import WordFrequencies, kept_words


def test_frequent_words_are_left_out_more_often_and_no_word_is_never_kept() -> None:
    tokens = np.repeat(np.arange(4, dtype=np.uint16), [500, 100_000, 1000, 10])
    kept = WordFrequencies.of(tokens, 5).kept
    frequency = 100_000 / 101_010 / 1e-4
    assert kept[1] == (frequency**0.5 + 1) / frequency
    assert kept[0] == 0 < kept[1] < kept[2] < kept[3] == kept[4] == 1


def test_negatives_are_drawn_by_the_power_of_their_frequency() -> None:
    frequencies = WordFrequencies.of(np.repeat(np.arange(5, dtype=np.uint16), [50, 16, 81, 0, 1]), 5)
    drawn = np.bincount(frequencies.negatives(np.arange(36_000) / 36_000), minlength=5)
    assert drawn.tolist() == [0, 8000, 27_000, 0, 1000]
    assert frequencies.negatives(np.array([0.0, np.nextafter(1.0, 0.0)])).tolist() == [1, 4]


def test_words_of_different_windows_are_apart() -> None:
    tokens = np.array([[1, 0, 2, 3], [3, 2, 1, 1]])
    draws = np.array([[0.0, 0.0, 0.6, 0.0], [0.4, 0.4, 0.4, 0.9]])
    assert kept_words(tokens, draws, np.array([0.0, 0.5, 0.5, 0.5]), gap=2).tolist() == [1, 3, 0, 0, 3, 2, 1, 0, 0]
