"""Loss, perplexity and bits per byte of a language model."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from llmtrain_trainer.metrics.metric import Floats, Scores, ratios, weighted_sums


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """Scores of predicted tokens: `loss` in nats per token; `perplexity`, its exponential; and `bitsPerByte`.

    Bits per byte compare models with different tokenizers; they are undefined without bytes.
    """

    @property
    def columns(self) -> int:
        """Loss in nats, tokens, and bytes of their text."""
        return 3

    def rows(self, losses_B: ArrayLike, tokens_B: ArrayLike, bytes_B: ArrayLike) -> Floats:
        """Return the rows of a batch: the losses are summed over the tokens of each sample, in nats."""
        return np.stack([losses_B, tokens_B, bytes_B], axis=1).astype(np.float64)

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        losses_R, tokens_R, bytes_R = weighted_sums(table_SC, weights_RS).T
        loss_R = ratios(losses_R, tokens_R)
        return {
            "loss": loss_R,
            "perplexity": np.exp(loss_R),
            "bitsPerByte": ratios(losses_R, bytes_R * math.log(2)),
        }
