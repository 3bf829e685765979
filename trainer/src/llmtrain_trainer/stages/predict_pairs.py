"""Applying a published encoder-decoder: a text that it writes for each text that it reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from llmtrain_trainer.data.labelled_dataset import padded
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.record_values import repaired, scalar
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.seq2seq_folder import load_seq2seq
from llmtrain_trainer.stages.published import PREDICTION, load_published_tokenizer, names_of
from llmtrain_trainer.training.judging import SAMPLES_PER_BATCH
from llmtrain_trainer.training.task import autocast


class Writer:
    """A published encoder-decoder with its tokenizer. Implements `Applied`."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load a folder. BadInput if it holds no encoder-decoder."""
        model, self._use = load_seq2seq(folder)
        self._model, self._device = model.to(device), device
        self._tokenizer = ModelTokenizer(tokenizer=load_published_tokenizer(folder))

    @property
    def input_name(self) -> str:
        """The field that held the text to read in the training data."""
        return self._use.text_column

    def value_of(self, record: Mapping[str, Any], input_name: str) -> str:
        """Return the text of a line, as training data are read. BadInput if there is none."""
        text = repaired(scalar(record.get(input_name)))[0]
        if not text.strip():
            others = "" if input_name in record else f", but {names_of(record)}"
            raise BadInput(f"no text in '{input_name}'{others}; correct it, or name the field with --text")
        return text

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return what is written for each text."""
        sources = [np.array(self._tokenizer.encode(text, self._use.max_tokens)[0], dtype=np.uint32) for text in texts]
        order = np.argsort([len(source) for source in sources], kind="stable").tolist()
        answers: list[dict[str, Any]] = [{} for _ in texts]
        for start in range(0, len(order), SAMPLES_PER_BATCH):
            numbers = order[start : start + SAMPLES_PER_BATCH]
            for number, text in zip(numbers, self._batch([sources[number] for number in numbers]), strict=True):
                answers[number] = {PREDICTION: text}
        return answers

    def _batch(self, sources: "Sequence[np.ndarray[Any, np.dtype[np.uint32]]]") -> list[str]:
        sources_BS = torch.from_numpy(padded(sources)).to(self._device)
        lengths_B = torch.tensor([len(source) for source in sources], device=self._device)
        with autocast(self._device, self._use.precision):
            tokens_BT = self._model.generate(sources_BS, lengths_B, self._use.max_written_tokens)
        written: list[str] = self._tokenizer.tokenizer.decode_batch(tokens_BT.tolist(), skip_special_tokens=True)
        return written
