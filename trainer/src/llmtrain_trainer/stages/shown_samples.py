"""Some samples of a prepared dataset as the model will see them: their tokens, and which of them are learned."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import TRAINING_FILE, DatasetFile, Tokens
from llmtrain_trainer.data.labelled_dataset import LabelledSamples, open_offsets
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.data.tagged_words import NOT_LEARNED
from llmtrain_trainer.data.token_words import token_texts
from llmtrain_trainer.data.tokenizer import load_tokenizer

SAMPLES, TOKENS = 8, 160
"""Samples that are shown, and tokens of each."""


class ShownSample(NamedTuple):
    """A sample to train on."""

    texts: Sequence[str]
    """Of its tokens."""
    learned: Sequence[bool]
    """Which of them are predicted; none if the label is."""
    label: str
    """Empty if the sample has none."""


class _Raw(NamedTuple):
    tokens: Tokens
    learned: NDArray[np.bool_]
    label: str = ""


def shown_samples(run: RunConfig, directory: Path, file: DatasetFile) -> list[ShownSample]:
    """Return some samples to train on of the dataset in a directory, spread evenly."""
    tokenizer = load_tokenizer(directory)
    return [
        ShownSample(token_texts(tokenizer, raw.tokens[:TOKENS].tolist()), raw.learned[:TOKENS].tolist(), raw.label)
        for raw in _raw_samples(run, directory, file)
    ]


def _raw_samples(run: RunConfig, directory: Path, file: DatasetFile) -> Iterator[_Raw]:
    kind = LABEL_KINDS.get(run.task.name)
    if kind is not None:
        samples = LabelledSamples.open(directory, TRAINING_FILE, file.token_dtype, kind)
        yield from (_labelled(samples, number, file, kind) for number in _spread(len(samples)))
        return
    tokens = np.memmap(directory / TRAINING_FILE, dtype=file.token_dtype, mode="r")
    if run.task.name == "recommendation":
        offsets = open_offsets(directory, TRAINING_FILE)
        for user in _spread(len(offsets) - 1):
            items = tokens[offsets[user] : offsets[user + 1]]
            yield _Raw(items, np.arange(len(items)) > 0)
        return
    for start in _spread(max(1, len(tokens) - TOKENS)):
        window = tokens[start : start + TOKENS]
        yield _Raw(window, np.full(len(window), run.task.name == "pretrain"))


def _labelled(samples: LabelledSamples, number: int, file: DatasetFile, kind: str) -> _Raw:
    """Return a labelled sequence: the learned tokens are those with tags, those of the answer, or those of the text to write."""
    (tokens,) = samples.sequences([number])
    positions = np.arange(len(tokens))
    nothing = np.zeros(len(tokens), dtype=bool)
    if kind == "class":
        return _Raw(tokens, nothing, file.labels[int(samples.labels[number])])
    if kind == "number":
        return _Raw(tokens, nothing, repr(float(cast(float, samples.labels[number]))))
    if kind == "tags":
        (tags,) = samples.token_labels([number])
        learned = tags != NOT_LEARNED
        return _Raw(tokens, learned, " ".join(file.labels[tag] for tag in tags[learned]))
    if kind == "span":
        start, last = samples.labels[number][:2].tolist()
        return _Raw(tokens, (positions >= start) & (positions <= last) & (last > 0), "" if last else "no answer")
    return _Raw(tokens, positions >= int(samples.labels[number]))


def _spread(count: int) -> list[int]:
    """Return some numbers below `count`, at least 1, from the first to the last."""
    numbers: list[int] = np.unique(np.linspace(0, count - 1, SAMPLES).astype(np.int64)).tolist()
    return numbers
