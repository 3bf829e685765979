"""Mean squared and mean absolute error, coefficient of determination and rank correlation of a model that predicts numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.metrics.metric import Floats, Scores, ratios, weighted_means
from llmtrain_trainer.metrics.ranks import spearman


@dataclass(frozen=True, kw_only=True)
class Regression:
    """Scores of predicted numbers: `mse`, `mae`, `r2` and `spearman`; the last two are undefined where a label is constant."""

    @property
    def columns(self) -> int:
        """The label and the prediction."""
        return 2

    def rows(self, labels_B: NDArray[np.floating], predictions_B: NDArray[np.floating]) -> Floats:
        """Return the rows of a batch. ValueError if there is not one prediction for each label."""
        if labels_B.shape != predictions_B.shape:
            raise ValueError(f"{predictions_B.shape} predictions for {labels_B.shape} labels")
        return np.stack([labels_B, predictions_B], axis=1).astype(np.float64)

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        labels_S, predictions_S = np.ascontiguousarray(table_SC.T)
        errors_S = predictions_S - labels_S
        mse_R, mae_R = weighted_means(np.stack([errors_S**2, np.abs(errors_S)], axis=1), weights_RS).T
        means_R1 = weighted_means(labels_S[:, np.newaxis], weights_RS)
        variances_R = ratios((weights_RS * (labels_S - means_R1) ** 2).sum(axis=1), weights_RS.sum(axis=1))
        return {
            "mse": mse_R,
            "mae": mae_R,
            "r2": 1 - ratios(mse_R, variances_R),
            "spearman": spearman(labels_S, predictions_S, weights_RS),
        }
