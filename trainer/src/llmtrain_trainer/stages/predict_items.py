"""Applying a published recommender: the ten best next items after those that a user has had."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from llmtrain_trainer.data.record_values import repaired, scalar
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.metrics.ranking import Ranking
from llmtrain_trainer.models.huggingface import load, own_settings
from llmtrain_trainer.stages.published import PREDICTION, load_published_tokenizer, names_of
from llmtrain_trainer.training.judging import SAMPLES_PER_BATCH
from llmtrain_trainer.training.recommendation import item_logits, no_candidates
from llmtrain_trainer.training.task import autocast


class Recommending:
    """A published recommender with its items. Implements `Applied`."""

    input_name = "items"

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load a folder. BadInput if it holds no recommender."""
        self._model, self._device = load(folder).to(device), device
        self._precision = str(own_settings(folder).get("precision", "float32"))
        self._items = load_published_tokenizer(folder)

    def value_of(self, record: Mapping[str, Any], input_name: str) -> NDArray[np.uint32]:
        """Return the tokens of the items of a line, the oldest first; unknown items are left out. BadInput if none is known."""
        found = record.get(input_name)
        items = [scalar(item) for item in found] if isinstance(found, list) else []
        if not items or None in items:
            raise BadInput(
                f"no list of items in '{input_name}', but {names_of(record)}; add it, the oldest item first, or name the field with --text"
            )
        tokens = [self._items.token_to_id(repaired(item)[0].strip()) for item in items]
        known = [token for token in tokens if token]
        if not known:
            raise BadInput(
                f"no item in '{input_name}' is one of those trained on, the first is {str(items[0])[:64]!r}; name items as the training data do"
            )
        return np.array(known, dtype=np.uint32)

    def answers(self, histories: Sequence[NDArray[np.uint32]]) -> list[dict[str, Any]]:
        """Return the best next items after each history, the best first, without those in it."""
        found: list[dict[str, Any]] = [{} for _ in histories]
        order = np.argsort([len(tokens) for tokens in histories], kind="stable").tolist()
        for start in range(0, len(order), SAMPLES_PER_BATCH):
            numbers = order[start : start + SAMPLES_PER_BATCH]
            for number, tokens in zip(numbers, self._best([histories[number] for number in numbers]), strict=True):
                found[number] = {PREDICTION: [self._items.id_to_token(token) for token in tokens]}
        return found

    def _best(self, histories: Sequence[NDArray[np.uint32]]) -> list[list[int]]:
        with torch.no_grad(), autocast(self._device, self._precision):
            scores_BV = item_logits(self._model, histories, self._device).cpu().numpy()
        excluded_BV = no_candidates(histories, scores_BV.shape[1])
        scores_BV[excluded_BV] = -np.inf
        best_BK = np.argsort(-scores_BV, axis=1, kind="stable")[:, : Ranking().k]
        return [
            [token for token in best.tolist() if not excluded[token]]
            for best, excluded in zip(best_BK, excluded_BV, strict=True)
        ]
