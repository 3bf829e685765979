"""Applying a published model of texts: a class, a number, tags, or an answer for each."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from llmtrain_trainer.data.cached_encoding import CachedEncoding
from llmtrain_trainer.data.dataset import token_type
from llmtrain_trainer.data.labelled_dataset import padded
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.data.model_encoding import ModelEncoding
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.classifier_folder import ClassifierConfig, load_classifier
from llmtrain_trainer.models.model_folder import USE_FILE
from llmtrain_trainer.stages.published import load_published_tokenizer, names_of
from llmtrain_trainer.training.judging import SAMPLES_PER_BATCH
from llmtrain_trainer.training.labelled_learner import OBJECTIVES
from llmtrain_trainer.training.objective import Input, Objective
from llmtrain_trainer.training.task import autocast

if TYPE_CHECKING:
    from llmtrain_trainer.models.pretrained_folder import ClassifierUse


@dataclass(frozen=True, kw_only=True)
class Published:
    """A network from its folder, and how it is applied."""

    network: nn.Module
    objective: Objective
    read: Callable[[str], list[Input]]
    """Returns the sequences to read of a text."""
    fields: Sequence[str]
    """Fields of the training data that held the text and, if one is read, the question."""
    precision: str


def open_published(folder: Path) -> Published:
    """Return the network in a folder: llmtrain's own, or one of `transformers`, which is imported only then. BadInput without one."""
    if (folder / USE_FILE).is_file():
        return _of_library(folder)
    network, config = load_classifier(folder)
    encoding = CachedEncoding(tokenizer=load_published_tokenizer(folder), dtype=np.dtype(token_type(config.vocab_size)))
    objective = OBJECTIVES[config.task](_labels(config), None)
    return Published(
        network=network,
        objective=objective,
        read=lambda text: objective.inputs(encoding, text, config.max_tokens),
        fields=[config.text_column, *filter(None, [config.question_column])],
        precision=config.precision,
    )


def _of_library(folder: Path) -> Published:
    from llmtrain_trainer.models.pretrained_folder import load_pretrained_classifier, read_use

    use, tokenizer = read_use(folder), ModelTokenizer(tokenizer=load_published_tokenizer(folder))
    encoding = ModelEncoding(model=tokenizer, dtype=np.dtype(token_type(use.vocab_size)))
    objective = OBJECTIVES[use.task](_labels(use), tokenizer)
    return Published(
        network=load_pretrained_classifier(folder, use, tokenizer.separator),
        objective=objective,
        read=lambda text: objective.inputs(encoding, text, use.max_tokens),
        fields=[use.text_column, *filter(None, [use.question_column])],
        precision=use.precision,
    )


def _labels(use: "ClassifierConfig | ClassifierUse") -> LabelSet:
    return LabelSet(
        names=tuple(use.labels or ()),
        label_mean=use.label_mean,
        label_deviation=use.label_deviation,
        unanswerable=use.unanswerable,
    )


class Predictor:
    """A published network with its tokenizer. Implements `Applied`."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load a folder. BadInput if it holds no network."""
        self._published = open_published(folder)
        self._network, self._device = self._published.network.to(device), device
        self._objective = self._published.objective

    @property
    def objective(self) -> Objective:
        """What the network has learned."""
        return self._objective

    @property
    def input_name(self) -> str:
        """The field that held the text in the training data."""
        return self._published.fields[0]

    def value_of(self, record: Mapping[str, Any], input_name: str) -> str:
        """Return the text of a line, as training data are read. BadInput if there is none."""
        fields = [input_name, *self._published.fields[1:]]
        text = self._objective.text([record.get(name) for name in fields])
        if text is None:
            wanted = " and ".join(f"'{name}'" for name in fields)
            others = "" if all(name in record for name in fields) else f", but {names_of(record)}"
            raise BadInput(
                f"nothing that the model can read in {wanted}{others}; correct it, or name the field with --text"
            )
        return text

    def inputs(self, text: str) -> list[Input]:
        """Return the sequences to read of a text."""
        return self._published.read(text)

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return the fields of the answer to each text."""
        inputs, found = self.read(texts, self._objective.answers)
        answers = iter(found)
        return [self._objective.merge(list(itertools.islice(answers, len(of_text)))) for of_text in inputs]

    def read(
        self, texts: Sequence[str], answers_of: Callable[[Tensor, Sequence[Input]], Sequence[Any]]
    ) -> tuple[list[list[Input]], list[Any]]:
        """Return the sequences of each text, and what `answers_of` makes of the outputs for each sequence."""
        inputs = [self.inputs(text) for text in texts]
        flat = list(itertools.chain.from_iterable(inputs))
        order = np.argsort([len(sequence.tokens) for sequence in flat], kind="stable").tolist()
        found: list[Any] = [None] * len(flat)
        for start in range(0, len(order), SAMPLES_PER_BATCH):
            numbers = order[start : start + SAMPLES_PER_BATCH]
            batch = [flat[number] for number in numbers]
            for number, answer in zip(numbers, answers_of(self._outputs(batch), batch), strict=True):
                found[number] = answer
        return inputs, found

    def _outputs(self, inputs: Sequence[Input]) -> Tensor:
        tokens_BL = torch.from_numpy(padded([sequence.tokens for sequence in inputs])).to(self._device)
        lengths_B = torch.tensor([len(sequence.tokens) for sequence in inputs], device=self._device)
        with torch.no_grad(), autocast(self._device, self._published.precision):
            outputs: Tensor = self._network(tokens_BL, lengths_B)
        return outputs
