"""The text that the tokenizer is trained on: all of it, or as much as is wanted, spread evenly over the training text.

Training takes about 100 bytes for each character of each different word. Text that hardly repeats a word, such as genomes
and random numbers, is therefore not taken to the end.
"""

from collections.abc import Iterable, Iterator

from llmtrain_trainer.data.cached_encoding import WORD
from llmtrain_trainer.data.shards import Shard
from llmtrain_trainer.data.split import TRAINING

SAMPLED_CHARACTERS = 2**16
"""Text is taken in pieces of this size."""
MAX_WORD_CHARACTERS = 3 * 2**20
"""The sample ends when its different words have so many characters together; those of 32 MiB of prose have fewer."""


def sample_training_text(
    shards: Iterable[Shard], training_size: int, sample_size: int, *, with_labels: bool = False
) -> Iterator[str]:
    """Yield about `sample_size` bytes of the training text, which has `training_size` bytes; all if it has no more.

    `with_labels` the label of each record whose end is taken follows it.
    """
    seen = taken = characters = 0
    words: set[str] = set()
    for shard in shards:
        for part in shard.parts(SAMPLED_CHARACTERS):
            if part.fate != TRAINING:
                continue
            if training_size <= sample_size or taken * training_size <= seen * sample_size:
                for text in (part.text, part.label) if with_labels and part.last else (part.text,):
                    yield text
                    taken += len(text.encode())
                    new = set(WORD.findall(text)) - words
                    words |= new
                    characters += sum(map(len, new))
                if characters >= MAX_WORD_CHARACTERS:
                    return
            seen += len(part.text.encode())
