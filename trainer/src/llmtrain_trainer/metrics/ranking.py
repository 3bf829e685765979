"""Hit rate and NDCG (Järvelin & Kekäläinen 2002) of recommended items, ranked among all items.

Ranking among a sample of items instead makes models look better and can reverse their order (Krichene & Rendle 2020).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.metrics.metric import Floats, Scores, weighted_means


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Scores of the next item of each sample: `hitRate`, how often it is among the best `k`, and `ndcg` at `k`.

    With one right item the ideal gain is 1, so NDCG is 1 / log2(rank + 1), or 0 if the rank is above `k`.
    """

    k: int = 10

    @property
    def columns(self) -> int:
        """The rank of the right item, counted from 1."""
        return 1

    def rows(
        self, targets_B: NDArray[np.int64], scores_BI: NDArray[np.floating], excluded_BI: NDArray[np.bool_]
    ) -> Floats:
        """Return the rows of a batch, from the right items, the model's score for each item, and which are not candidates.

        Items that a user has seen are excluded; the right item never is. It ranks below items with the same score, so a
        model that does not distinguish the items, or whose scores are NaN, has hit nothing.
        """
        target_scores_B1 = np.take_along_axis(scores_BI, targets_B[:, np.newaxis], axis=1)
        above_BI = ~(scores_BI < target_scores_B1) & ~excluded_BI
        above_BI[np.arange(len(targets_B)), targets_B] = True
        ranks_B1: Floats = above_BI.sum(axis=1, keepdims=True, dtype=np.float64)
        return ranks_B1

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        hits_SC = table_SC <= self.k
        gains_SC = np.where(hits_SC, 1 / np.log2(table_SC + 1), 0.0)
        return {
            "hitRate": weighted_means(hits_SC.astype(np.float64), weights_RS)[:, 0],
            "ndcg": weighted_means(gains_SC, weights_RS)[:, 0],
        }
