"""Scores of predicted tokens in the places of a text that were chosen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from llmtrain_trainer.metrics.metric import Floats, Scores, ratios, weighted_sums


@dataclass(frozen=True, kw_only=True)
class MaskedTokens:
    """`loss` in nats per chosen token, `perplexity`, its exponential, and `accuracy`, the fraction that is predicted right."""

    @property
    def columns(self) -> int:
        """Loss in nats, chosen tokens, and those of them that are predicted right."""
        return 3

    def rows(self, losses_B: ArrayLike, chosen_B: ArrayLike, right_B: ArrayLike) -> Floats:
        """Return the rows of a batch, each summed over the chosen tokens of a sample."""
        return np.stack([losses_B, chosen_B, right_B], axis=1).astype(np.float64)

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        losses_R, chosen_R, right_R = weighted_sums(table_SC, weights_RS).T
        loss_R = ratios(losses_R, chosen_R)
        return {"loss": loss_R, "perplexity": np.exp(loss_R), "accuracy": ratios(right_R, chosen_R)}
