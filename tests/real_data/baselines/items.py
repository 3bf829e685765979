"""Baselines of items and words: popular films and films that follow each other, and which words of a benchmark a text has."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.metrics.baselines import NextItem
from llmtrain_trainer.metrics.ranking import Ranking
from real_data.baselines.baseline import Baseline, judge
from real_data.converters.vectors import read_word_pairs
from real_data.readers import read_columns, read_lines

MIN_COUNT = 5


def recommendation(folder: Path) -> list[Baseline]:
    """Return the scores of two recommendations of films that a person has not seen, for the last film of each person.

    They are the most popular films, and those that most often follow the film before (a Markov chain), of equally
    frequent ones the most popular.
    """
    histories, films = read_histories(folder / "ratings.csv")
    before = [seen[:-1] for seen in histories]
    items, offsets = np.concatenate(before), np.cumsum([0, *map(len, before)])
    model = NextItem.of(items, offsets, np.bincount(items, minlength=films))
    metric, last = Ranking(), np.array([seen[-1] for seen in histories])
    methods = {"most popular": model.most_popular, "most frequent next": model}
    return [
        judge(folder.name, method, metric, each.ranks(items, offsets, last), ("hitRate", "ndcg"))
        for method, each in methods.items()
    ]


def read_histories(path: Path) -> tuple[list[NDArray[np.int64]], int]:
    """Return the numbers of the films that each person has seen, in order of time, and how many films there are."""
    by_person: dict[str, list[int]] = {}
    numbers: dict[str, int] = {}
    for film, person in read_columns(path, text="movieId", label="userId"):
        by_person.setdefault(person, []).append(numbers.setdefault(film, len(numbers)))
    return [np.array(seen) for seen in by_person.values()], len(numbers)


def known_words(prose: Path, vectors: Path) -> list[Baseline]:
    """Return which part of WordSim's pairs has two words that occur often enough in the text to learn them."""
    counts = Counter(
        word for name in ("brown", "kjv") for line in read_lines(prose / f"{name}.txt") for word in line.lower().split()
    )
    pairs = read_word_pairs(vectors / "benchmark" / "wordsim353.tsv")
    known = [min(counts[first], counts[second]) >= MIN_COUNT for first, second, _ in pairs]
    coverage = sum(known) / len(known)
    return [Baseline(set_name=prose.name, method="frequent words", samples=len(known), scores={"coverage": coverage})]
