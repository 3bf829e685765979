"""BLEU (Papineni et al. 2002) and chrF (Popović 2015) of translations, by the package sacrebleu.

Both are functions of counts of n-grams, which are summed over all samples. sacrebleu counts those of one sample and
computes the scores from the sums, by the interface of its class `Metric` on which its own significance tests are built.
It is imported on the first use, because other tasks do not need it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llmtrain_trainer.metrics.metric import Floats, Scores, weighted_sums

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric as SacrebleuMetric

_BLEU_COLUMNS = 2 + 2 * 4
_CHRF_COLUMNS = 3 * 6


@dataclass(frozen=True, kw_only=True)
class Translation:
    """Scores of translations from 0 to 100, with sacrebleu's defaults: `bleu` (tokenizer 13a, mixed case) and `chrf`.

    They are undefined without samples.
    """

    @property
    def columns(self) -> int:
        """For BLEU the words of both texts, and common and predicted n-grams of 1 to 4 words; for chrF predicted, written
        and common n-grams of 1 to 6 characters."""
        return _BLEU_COLUMNS + _CHRF_COLUMNS

    def rows(self, predictions: Sequence[str], references: Sequence[str]) -> Floats:
        """Return the rows of a batch, from the model's translations and one reference for each.

        ValueError if there are not as many of both."""
        if len(predictions) != len(references):
            raise ValueError(f"{len(predictions)} translations for {len(references)} references")
        bleu, chrf = (metric._extract_corpus_statistics(predictions, [references]) for metric in _metrics())
        rows = [[*counts, *others] for counts, others in zip(bleu, chrf, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.columns)

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        sums_RC = weighted_sums(table_SC, weights_RS).astype(np.int64)
        defined_R = weights_RS.any(axis=1)
        bleu, chrf = _metrics()
        columns = (("bleu", bleu, sums_RC[:, :_BLEU_COLUMNS]), ("chrf", chrf, sums_RC[:, _BLEU_COLUMNS:]))
        return {
            name: np.where(
                defined_R, [metric._compute_score_from_stats(sums.tolist()).score for sums in sums_RD], np.nan
            )
            for name, metric, sums_RD in columns
        }


def _metrics() -> tuple["SacrebleuMetric", "SacrebleuMetric"]:
    from sacrebleu import BLEU, CHRF

    # `force` turns off warnings about texts that look tokenized.
    return BLEU(force=True), CHRF()
