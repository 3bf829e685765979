"""The tokenizer of a dataset: that of the job's model, or one that is trained on the training text of all of its sources."""

import time
from collections.abc import Sequence

from tokenizers import Tokenizer

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.progress import logged_phase
from llmtrain_trainer.data.sample import sample_training_text
from llmtrain_trainer.data.shape import SampleShape
from llmtrain_trainer.data.shards import Shard
from llmtrain_trainer.data.split import Split
from llmtrain_trainer.data.tokenizer import train_for


def tokenizer_of(run: RunConfig, shape: SampleShape, shards: Sequence[Shard], split: Split, log: JsonLog) -> Tokenizer:
    """Return the tokenizer for the text in `shards`. BadInput if that has too few different tokens."""
    if shape.tokenizer is not None:
        return shape.tokenizer.tokenizer
    settings, started_at = run.data.tokenizer, time.monotonic()
    size = min(split.training_size, settings.sample_bytes)
    with logged_phase(log, "trainingTokenizer", size):
        of_labels = shape.writes_labels
        text = sample_training_text(shards, split.training_size, settings.sample_bytes, with_labels=of_labels)
        tokenizer = train_for(settings, text, masks=run.task.name == "masked", ends_texts=of_labels)
    log.info(
        TrainerEvent.TOKENIZER_TRAINED,
        vocab_size=tokenizer.get_vocab_size(),
        bytes=size,
        seconds=round(time.monotonic() - started_at, 1),
    )
    return tokenizer
