"""Applying a published model of masked tokens: the masks in each text are filled with the most probable tokens."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from llmtrain_trainer.data.dataset import token_type
from llmtrain_trainer.data.labelled_dataset import padded
from llmtrain_trainer.data.model_encoding import ModelEncoding
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import mask_token
from llmtrain_trainer.models.pretrained_folder import load_pretrained_classifier, read_use
from llmtrain_trainer.stages.published import PREDICTION, load_published_tokenizer, names_of
from llmtrain_trainer.training.evaluation import WINDOWS_PER_BATCH
from llmtrain_trainer.training.judging import samples_within
from llmtrain_trainer.training.task import autocast


class MaskFilling:
    """A published model that fills masks. Implements `Applied`."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load a folder. BadInput if it holds no such model."""
        self._use, self._device = read_use(folder), device
        self._tokenizer = ModelTokenizer(tokenizer=load_published_tokenizer(folder))
        self._mask = mask_token(folder) or ""
        mask = self._tokenizer.tokenizer.token_to_id(self._mask)
        if mask is None:
            raise BadInput(f"'{folder}' names no mask_token of its tokenizer; publish the model again")
        self._token = int(mask)
        self._encoding = ModelEncoding(model=self._tokenizer, dtype=np.dtype(token_type(self._use.vocab_size)))
        self._network = load_pretrained_classifier(folder, self._use, None).to(device)

    @property
    def input_name(self) -> str:
        """The field that held the text in the training data."""
        return self._use.text_column

    def value_of(self, record: Mapping[str, Any], input_name: str) -> tuple[str, list[int]]:
        """Return the text of a line, and its tokens. BadInput if it has no mask, or more tokens than the model reads."""
        text = record.get(input_name)
        if not isinstance(text, str) or self._mask not in text:
            raise BadInput(
                f"no text with {self._mask} in '{input_name}', but {names_of(record)}; add it, or name the field with --text"
            )
        tokens = list(self._encoding.before)
        for number, part in enumerate(text.split(self._mask)):
            tokens += [self._token] * (number > 0)
            if part := part.rstrip():  # a mask stands for a word with the space before it
                tokens += np.frombuffer(self._encoding.encode(part), dtype=self._encoding.dtype).tolist()
        tokens += self._encoding.after
        if len(tokens) > self._use.max_tokens:
            raise BadInput(
                f"the text in '{input_name}' has {len(tokens)} tokens, and the model reads {self._use.max_tokens}; shorten it"
            )
        return text, tokens

    def answers(self, values: Sequence[tuple[str, list[int]]]) -> list[dict[str, Any]]:
        """Return each text with its masks filled, the tokens in their places, and their probabilities."""
        order = sorted(range(len(values)), key=lambda number: len(values[number][1]))
        found: dict[int, dict[str, Any]] = {}
        longest = max((len(tokens) for _, tokens in values), default=1)
        size = min(WINDOWS_PER_BATCH, samples_within(longest * self._use.vocab_size))
        for start in range(0, len(order), size):
            numbers = order[start : start + size]
            found |= dict(zip(numbers, self._batch([values[number] for number in numbers]), strict=True))
        return [found[number] for number in range(len(values))]

    @torch.no_grad()
    def _batch(self, values: Sequence[tuple[str, list[int]]]) -> list[dict[str, Any]]:
        sequences = [np.array(tokens, dtype=self._encoding.dtype) for _, tokens in values]
        tokens_BL = torch.from_numpy(padded(sequences)).to(self._device)
        lengths_B = torch.tensor([len(tokens) for tokens in sequences], device=self._device)
        with autocast(self._device, self._use.precision):
            logits_BLV = self._network(tokens_BL, lengths_B)
        return [
            self._answer(text, logits_LV[: len(tokens)][torch.tensor(tokens, device=self._device) == self._token])
            for (text, tokens), logits_LV in zip(values, logits_BLV, strict=True)
        ]

    def _answer(self, text: str, logits_MV: torch.Tensor) -> dict[str, Any]:
        probabilities, tokens = logits_MV[:, : self._use.vocab_size].softmax(-1).max(-1)
        words = [
            self._tokenizer.tokenizer.decode([token], skip_special_tokens=False).strip().removeprefix("##")
            for token in tokens.tolist()
        ]
        filled, *rest = text.split(self._mask)
        for word, part in zip(words, rest, strict=True):
            filled += word + part
        return {
            PREDICTION: filled,
            "tokens": words,
            "probabilities": [round(probability, 6) for probability in probabilities.tolist()],
        }
