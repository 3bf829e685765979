"""Samples that are distributed over any number of ranks, in any order and in batches of any size, or counted repeatedly."""

from collections.abc import Callable

import numpy as np

from llmtrain_trainer.metrics.metric import Floats, Metric, score
from llmtrain_trainer.metrics.sample_table import SampleTable

RANKS = (1, 2, 3, 4, 5, 6, 7)
RowsOf = Callable[[list[int]], Floats]
"""The rows of a batch of samples, by their numbers."""


def merged(metric: Metric, samples: int, rows_of: RowsOf, *, ranks: int, seed: int) -> Floats:
    """Return the table that ranks fill together, each with an arbitrary part of the samples in arbitrary batches."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(samples)
    cuts = np.sort(rng.integers(0, samples + 1, ranks - 1))
    tables = []
    for own in np.split(order, cuts):
        table = SampleTable(samples=samples, columns=metric.columns)
        while len(own):
            batch, own = np.split(own, [int(rng.integers(1, 9))])
            table.set_rows(batch, rows_of(batch.tolist()))
        tables.append(table)
    all_ranks = SampleTable(samples=samples, columns=metric.columns)
    for number in rng.permutation(ranks):
        all_ranks.numbers += tables[number].numbers
    return all_ranks.rows()


def scores_by_partition(metric: Metric, samples: int, rows_of: RowsOf) -> set[tuple[tuple[str, str], ...]]:
    """Return the different scores, to the last bit, that partitions of the samples over 1 to 7 ranks give: one is right."""
    tables = [merged(metric, samples, rows_of, ranks=ranks, seed=seed) for ranks in RANKS for seed in range(3)]
    return {tuple((name, number.hex()) for name, number in score(metric, table).items()) for table in tables}


def weighted_and_repeated(metric: Metric, table: Floats) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Return the scores of some resamples: from weights of the samples, and from tables that repeat samples."""
    weights = np.random.default_rng(0).integers(0, 4, (3, len(table))).astype(np.float64)
    scores = metric.scores(table, weights)
    weighted = [
        {name: float(numbers[resample]) for name, numbers in scores.items() if np.isfinite(numbers[resample])}
        for resample in range(len(weights))
    ]
    return weighted, [score(metric, np.repeat(table, each.astype(int), axis=0)) for each in weights]
