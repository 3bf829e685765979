"""Words with the same neighbours get similar vectors."""

import math

import numpy as np
import pytest

from bench_tasks.counted_vectors import neighbours, ppmi, reduced


def test_nearer_neighbours_count_more_and_unknown_words_do_not() -> None:
    counts = neighbours(np.array([1, 2, 0, 3]), 4, 2).toarray()
    expected = np.zeros((4, 4))
    expected[1, 2] = expected[2, 1] = 1.0
    expected[2, 3] = expected[3, 2] = 0.5
    np.testing.assert_array_equal(counts, expected)


def test_pairs_that_are_as_frequent_as_by_chance_have_no_information() -> None:
    counts = neighbours(np.array([1, 2] * 8 + [0] + [3, 4] * 8), 5, 1)
    table = ppmi(counts).toarray()
    assert table[1, 2] == pytest.approx(math.log(4))
    assert table[1, 3] == 0


def test_words_with_the_same_neighbours_are_similar() -> None:
    randomly = np.random.default_rng(0)
    animals, cars = [1, 2], [3, 4]
    phrases = [
        [5, randomly.choice(animals), 6] if even else [7, randomly.choice(cars), 8] for even in (True, False) * 200
    ]
    vectors = reduced(ppmi(neighbours(np.concatenate([[*phrase, 0] for phrase in phrases]), 9, 2)), 3)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    assert unit[1] @ unit[2] > 0.9
    assert unit[1] @ unit[3] < 0.5
