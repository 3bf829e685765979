"""Trivial methods answer what the training part alone gives."""

import itertools

import numpy as np
import pytest

from llmtrain_trainer.metrics import baselines
from llmtrain_trainer.metrics.baselines import MostFrequentTag, NextItem, first_words, majority_class, popularity
from llmtrain_trainer.metrics.ranking import Ranking


@pytest.mark.parametrize(
    ("counts", "expected"),
    [pytest.param([1, 5, 2], 1, id="the most frequent class"), pytest.param([3, 4, 4], 1, id="the first of two")],
)
def test_the_majority_class(counts: list[int], expected: int) -> None:
    assert majority_class(np.array(counts)) == expected


def test_items_are_ranked_by_how_often_they_occur() -> None:
    scores = popularity(np.array([2, 7, 2, 0]))
    ranks = Ranking().rows(np.arange(4), np.tile(scores, (4, 1)), np.zeros((4, 4), dtype=bool))
    assert ranks.ravel().tolist() == [2, 1, 3, 4]


def test_of_equally_frequent_items_the_first_ranks_higher() -> None:
    scores = popularity(np.tile([1, 5], 50))
    assert np.argsort(-scores).tolist() == [*range(1, 100, 2), *range(0, 100, 2)]


def flat(sequences: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(sequences), np.cumsum([0, *map(len, sequences)])


def test_the_items_that_most_often_come_next_and_then_the_most_popular_ones() -> None:
    items, offsets = flat([[0, 1, 0, 1, 3], [3, 2, 0, 2], [2]])
    baseline = NextItem.of(items, offsets, np.bincount(items, minlength=5))
    for before, best in ((0, [1, 2, 3, 4]), (4, [0, 2, 1, 3]), (2, [0, 1, 3, 4])):
        users = flat([[before]] * 4)
        assert baseline.ranks(*users, np.array(best)).ravel().tolist() == [1, 2, 3, 4]
    assert baseline.most_popular.ranks(*flat([[3]] * 4), np.array([0, 2, 1, 4])).ravel().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("block", [7, 1000])
def test_ranks_are_those_among_the_scores_of_all_items(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "USERS_PER_BLOCK", block)
    rng = np.random.default_rng(0)
    sequences = [rng.choice(30, size=rng.integers(1, 12), p=np.arange(30) / 435).tolist() for _ in range(50)]
    targets = rng.integers(30, size=50)  # some of which were seen before
    items, offsets = flat(sequences)
    counts = np.bincount(items, minlength=30)
    follows = np.zeros((30, 30))
    for first, second in (pair for sequence in sequences for pair in itertools.pairwise(sequence)):
        follows[first, second] += 1
    baseline = NextItem.of(items, offsets, counts)
    popular = popularity(counts) / 31
    excluded = np.zeros((50, 30), dtype=bool)
    for row, sequence in zip(excluded, sequences, strict=True):
        row[sequence] = True
    for model, weight in ((baseline, 1), (baseline.most_popular, 0)):
        scores = np.stack([popular + weight * follows[sequence[-1]] for sequence in sequences])
        expected = Ranking().rows(targets, scores, excluded)
        assert model.ranks(items, offsets, targets).tolist() == expected.tolist()


def test_the_first_words_of_a_text() -> None:
    assert first_words("One  two\nthree four.", 3) == "One two three"
    assert first_words("One", 3) == "One"


def test_a_word_has_its_most_frequent_tag_and_an_unknown_one_that_of_all_words() -> None:
    baseline = MostFrequentTag.of([("run", 1), ("run", 2), ("run", 2), ("a", 0), ("the", 0), ("the", 0)])
    assert baseline.tags(["run", "a", "walk"]) == [2, 0, 0]


def test_of_equally_frequent_tags_the_first_in_order_is_taken() -> None:
    baseline = MostFrequentTag.of([("run", 3), ("run", 2)])
    assert baseline.tags(["run", "walk"]) == [2, 2]


def test_there_is_no_most_frequent_tag_of_nothing() -> None:
    with pytest.raises(ValueError, match="no tagged words"):
        MostFrequentTag.of([])
