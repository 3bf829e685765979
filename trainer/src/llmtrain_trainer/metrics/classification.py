"""Accuracy, precision, recall, F1 (van Rijsbergen 1979) and ROC-AUC of a classifier, as scikit-learn defines them.

A class that neither is a label nor is predicted has no scores and is not part of the means over classes. Otherwise a
precision without predictions and a recall without labels are 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.metrics.metric import Floats, Scores, ratios, weighted_counts
from llmtrain_trainer.metrics.ranks import roc_auc


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Scores of a classifier that gives each sample one class.

    `accuracy`; `precision`, `recall` and `f1` as means over the classes (macro); `f1Micro`, which with one class a sample
    is the accuracy; `precision/CLASS`, `recall/CLASS` and `f1/CLASS`; and with two classes `auc`, of the second one.
    """

    class_names: tuple[str, ...]

    @property
    def columns(self) -> int:
        """The label, the predicted class and, with two classes, how much higher the second one's score is."""
        return 3 if self._is_binary else 2

    def rows(self, labels_B: NDArray[np.int64], scores_BK: NDArray[np.floating]) -> Floats:
        """Return the rows of a batch, from the classes and the model's score for each class, such as its logits.

        The class with the highest score is predicted, of equal ones the first. ValueError for a label outside of the
        classes, or for a number of scores that isn't the number of classes.
        """
        classes = len(self.class_names)
        if scores_BK.shape != (len(labels_B), classes):
            raise ValueError(f"{scores_BK.shape} scores for {len(labels_B)} samples of {classes} classes")
        if labels_B.size and not (labels_B.min() >= 0 and labels_B.max() < classes):
            raise ValueError(f"a label is outside of the {classes} classes: {labels_B.min()} to {labels_B.max()}")
        columns = [labels_B, scores_BK.argmax(axis=1)]
        if self._is_binary:
            columns.append(scores_BK[:, 1].astype(np.float64) - scores_BK[:, 0])
        return np.stack(columns, axis=1).astype(np.float64)

    def scores(self, table_SC: Floats, weights_RS: Floats) -> Scores:
        """Return the scores of each resample."""
        classes = len(self.class_names)
        labels_S, predicted_S = table_SC[:, :2].T.astype(np.int64)
        hits_RK = weighted_counts(labels_S, weights_RS * (labels_S == predicted_S), classes)
        labels_RK = weighted_counts(labels_S, weights_RS, classes)
        predicted_RK = weighted_counts(predicted_S, weights_RS, classes)
        scores = count_scores(hits_RK, labels_RK, predicted_RK, self.class_names)
        if self._is_binary:
            scores["auc"] = roc_auc(labels_S == 1, table_SC[:, 2], weights_RS)
        return scores

    def confusion(self, table_SC: Floats) -> NDArray[np.int64]:
        """Return how often each class (row) was predicted as each class (column)."""
        classes = len(self.class_names)
        labels_S, predicted_S = table_SC[:, :2].T.astype(np.int64)
        return np.bincount(labels_S * classes + predicted_S, minlength=classes**2).reshape(classes, classes)

    @property
    def _is_binary(self) -> bool:
        return len(self.class_names) == 2


def count_scores(hits_RK: Floats, labels_RK: Floats, predicted_RK: Floats, class_names: tuple[str, ...]) -> Scores:
    """Return the scores from how often each class is predicted rightly, is the label, and is predicted.

    With the confusion C of integer counts these are its diagonal, and the sums of its rows and of its columns.
    """
    present_RK = labels_RK + predicted_RK > 0
    by_class = {
        "precision": ratios(hits_RK, predicted_RK, of_nothing=0.0),
        "recall": ratios(hits_RK, labels_RK, of_nothing=0.0),
        "f1": ratios(2 * hits_RK, labels_RK + predicted_RK, of_nothing=0.0),
    }
    accuracy_R = ratios(hits_RK.sum(axis=1), labels_RK.sum(axis=1))
    scores = {"accuracy": accuracy_R, "f1Micro": accuracy_R}
    for name, values_RK in by_class.items():
        scores[name] = ratios((values_RK * present_RK).sum(axis=1), present_RK.sum(axis=1, dtype=np.float64))
    for name, values_RK in by_class.items():
        for number, class_name in enumerate(class_names):
            scores[f"{name}/{class_name}"] = np.where(present_RK[:, number], values_RK[:, number], np.nan)
    return scores
