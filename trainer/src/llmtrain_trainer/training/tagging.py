"""The task tagging: cross-entropy of the tag of each word, read at its first token, and scores of tags and entities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from llmtrain_trainer.data.encoding import Encoding
from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples, padded
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.data.record_values import joined_list, repaired, scalar
from llmtrain_trainer.data.tagged_words import NOT_LEARNED, word_tokens, words_in
from llmtrain_trainer.metrics.baselines import MostFrequentTag
from llmtrain_trainer.metrics.metric import Floats
from llmtrain_trainer.metrics.tagging import Tagging
from llmtrain_trainer.training.objective import Baseline, Input, RowEach


@dataclass(frozen=True)
class TaggingObjective(RowEach):
    """A tag for each word. Implements `Objective`."""

    labels: LabelSet
    after: int = 0
    """Special tokens at the end of each sequence."""
    reported: ClassVar[Sequence[str]] = ("accuracy", "entityF1", "entityPrecision", "entityRecall")

    @property
    def outputs(self) -> int:
        """One logit for each tag."""
        return len(self.labels.names)

    @property
    def metric(self) -> Tagging:
        """Accuracy, and precision, recall and F1 of entities."""
        return Tagging(tag_names=self.labels.names)

    def terms(self, dataset: LabelledDataset) -> int:
        """Return the number of words to train on: each is a term of the loss."""
        return sum(dataset.training_counts)

    def targets(self, samples: LabelledSamples, numbers: Sequence[int]) -> Tensor:
        """Return the tag of each token (B, L) int64: NOT_LEARNED for those that are not the first one of a word."""
        return torch.from_numpy(padded(samples.token_labels(numbers), NOT_LEARNED))

    def losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of each sequence in nats, summed over its words (B,), and the number of these (B,)."""
        losses_BL = functional.cross_entropy(
            outputs.transpose(1, 2), targets, ignore_index=NOT_LEARNED, reduction="none"
        )
        return losses_BL.sum(1), (targets != NOT_LEARNED).sum(1)

    def rows(self, outputs: Tensor, targets: Tensor) -> Floats:
        """Return the rows of the metric."""
        tags_BL, predicted_BL = targets.cpu().numpy(), outputs.argmax(-1).cpu().numpy()
        pairs = [
            (tags[tags != NOT_LEARNED], predicted[tags != NOT_LEARNED])
            for tags, predicted in zip(tags_BL, predicted_BL, strict=True)
        ]
        return self.metric.rows(*zip(*((tags.tolist(), predicted.tolist()) for tags, predicted in pairs), strict=True))

    def baseline(self, dataset: LabelledDataset) -> Baseline:
        """Return what is reached by the tag that each word has most often in training; words are known by their tokens."""
        most_frequent = MostFrequentTag.of(
            pair for sentence in _sentences(dataset.training, self.after) for pair in sentence
        )
        rows = [
            self.metric.rows([tags], [most_frequent.tags(words)])
            for words, tags in (zip(*sentence, strict=True) for sentence in _sentences(dataset.held_out, self.after))
        ]
        return Baseline("mostFrequentTag", np.concatenate(rows), ("accuracy", "entityF1"))

    def details(self, rows_SC: Floats) -> Mapping[str, Any]:
        """Return the names of the tags."""
        return {"labels": list(self.labels.names)}

    def text(self, values: Sequence[object]) -> str | None:
        """Return the words of a list or of a text, with one space between them; None if there are none."""
        (value,) = values
        text = joined_list(value) if isinstance(value, list) else scalar(value)
        return " ".join(words_in(repaired(text)[0])) or None

    def inputs(self, encoding: Encoding, text: str, max_tokens: int) -> list[Input]:
        """Return words in as few sequences as they fit in; of a word that fits in none the beginning."""
        before, after = (np.array(special, dtype=encoding.dtype) for special in (encoding.before, encoding.after))
        found, tokens, words = list[Input](), [before], list[int]()
        length, room = len(before), max_tokens - len(after)
        for of_word in word_tokens(encoding, text.split(" ")):
            if words and length + len(of_word) > room:
                found.append(Input(np.concatenate([*tokens, after]), words))
                tokens, words, length = [before], [], len(before)
            words.append(length)
            tokens.append(of_word[: room - len(before)])
            length += len(tokens[-1])
        return [*found, Input(np.concatenate([*tokens, after]), words)]

    def answers(self, outputs: Tensor, inputs: Sequence[Input]) -> list[list[str]]:
        """Return the tags of the words of each sequence."""
        predicted_BL = outputs.argmax(-1).tolist()
        return [
            [self.labels.names[predicted[word]] for word in sequence.words]
            for predicted, sequence in zip(predicted_BL, inputs, strict=True)
        ]

    def merge(self, answers: Sequence[list[str]]) -> dict[str, Any]:
        """Return the tags of all words."""
        return {"prediction": [tag for tags in answers for tag in tags]}


def _sentences(samples: LabelledSamples, after: int) -> Iterator[list[tuple[str, int]]]:
    """Yield the words of each sample, `after` special tokens at its end left out, with their tags: a word is the bytes of its tokens."""
    for number in range(len(samples)):
        (tokens,), (tags,) = samples.sequences([number]), samples.token_labels([number])
        starts = np.flatnonzero(tags != NOT_LEARNED).tolist()
        stops = [*starts[1:], len(tokens) - after]
        yield [
            (tokens[start:stop].tobytes().hex(), int(tags[start])) for start, stop in zip(starts, stops, strict=True)
        ]
