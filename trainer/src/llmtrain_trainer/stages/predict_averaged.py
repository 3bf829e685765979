"""Applying several published models at once: the average of their probabilities, or of their numbers (an ensemble)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages.predict_labelled import Predictor
from llmtrain_trainer.training.objective import WholeText


class Member(NamedTuple):
    """One of the models."""

    folder: str
    model: Predictor
    objective: WholeText
    labels: tuple[str, ...]
    """The classes in the order of its outputs; none if it predicts a number."""

    @classmethod
    def of(cls, folder: str, model: object) -> "Member":
        """Return a model that was opened from a folder. BadInput if its predictions are no class and no number."""
        if isinstance(model, Predictor) and isinstance(model.objective, WholeText):
            return cls(folder, model, model.objective, model.objective.labels.names)
        raise BadInput(
            f"'{folder}' is a model of another task than classification and regression, and several models average the "
            "predictions of these two alone; name one model"
        )

    @property
    def predicted(self) -> str:
        """What it predicts, for a message."""
        return ", ".join(sorted(self.labels)) or "numbers"

    def votes(self, texts: Sequence[str], labels: Sequence[str]) -> Tensor:
        """Return its votes for each text (texts, outputs) float64 on the CPU, its classes in the order of `labels`."""
        _, votes = self.model.read(texts, lambda outputs, _: list(self.objective.votes(outputs).double().cpu()))
        return torch.stack(votes)[:, [self.labels.index(name) for name in labels] or [0]]


class AveragedPredictor:
    """Models that give a class or a number to each text, each with its own tokenizer. Implements `Applied`."""

    def __init__(self, models: Mapping[str, object]) -> None:
        """Take models by the names of their folders. BadInput, with both values, if they do not predict the same."""
        self._members = [Member.of(folder, model) for folder, model in models.items()]
        self._first = self._members[0]
        for member in self._members:
            if member.predicted != self._first.predicted:
                raise BadInput(
                    f"'{self._first.folder}' predicts {self._first.predicted}, but '{member.folder}' {member.predicted}; name "
                    "models that predict the same"
                )

    @property
    def input_name(self) -> str:
        """The field that held the text in the training data of the first model."""
        return self._first.model.input_name

    def value_of(self, record: Mapping[str, Any], input_name: str) -> str:
        """Return the text of a line. BadInput if there is none."""
        return self._first.model.value_of(record, input_name)

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return the fields of the answer to each text."""
        votes = [member.votes(texts, self._first.labels) for member in self._members]
        return self._first.objective.decide(torch.stack(votes).mean(0))
