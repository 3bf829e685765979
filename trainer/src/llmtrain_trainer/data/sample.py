"""The text that the tokenizer is trained on: all of it, or as much as is wanted, spread evenly over the training text."""

from collections.abc import Iterable, Iterator

from llmtrain_trainer.data.shards import Shard
from llmtrain_trainer.data.split import TRAINING

SAMPLED_CHARACTERS = 2**16
"""Text is taken in pieces of this size."""


def sample_training_text(shards: Iterable[Shard], training_size: int, sample_size: int) -> Iterator[str]:
    """Yield about `sample_size` bytes of the training text, which has `training_size` bytes; all if it has no more."""
    seen = taken = 0
    for shard in shards:
        for part in shard.parts(SAMPLED_CHARACTERS):
            if part.fate != TRAINING:
                continue
            if training_size <= sample_size or taken * training_size <= seen * sample_size:
                yield part.text
                taken += len(part.text.encode())
            seen += len(part.text.encode())
