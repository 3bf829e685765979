"""The prepare stage: tokenizes text into a dataset directory, named by a hash of the text and the settings.

A restart, or another job with the same text and settings, finds the dataset and computes only the hash.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import DatasetInfo, TerminationMessage
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.data.dataset import (
    DATASET_FILE,
    HELD_OUT_FILE,
    TRAINING_FILE,
    DatasetFile,
    Tokens,
    prepared_directory,
    read_dataset_file,
    token_type,
    window_count,
)
from llmtrain_trainer.data.source import TextFile, fingerprint, read_source
from llmtrain_trainer.data.split import split
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, save_tokenizer, train_tokenizer
from llmtrain_trainer.data.unigram import unigram_loss
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.config import config_for

FORMAT = 1
"""Part of the hash. Increment it when a change of this code changes the tokens of a text."""
BATCH_DOCUMENTS = 64
"""Documents tokenized in one call."""


def prepare(run: RunConfig, log: JsonLog) -> TerminationMessage:
    """Create the job's dataset unless it exists, and describe it in the termination message.

    BadInput if the text is missing or too short.
    """
    files = read_source(run.data.source, Path(run.data_directory))
    settings = run.data.tokenizer
    dataset = fingerprint(files, FORMAT, settings.kind, settings.vocab_size, run.data.held_out_percent)
    log.info(TrainerEvent.TEXT_READ, files=len(files), bytes=sum(len(file.content) for file in files), dataset=dataset)
    directory = prepared_directory(run.data_directory, dataset)
    file = read_dataset_file(directory)
    if file is None:
        file = _create(run, files, dataset, directory, log)
    _check_length(file.info, config_for(run.model, settings.vocab_size).context_length)
    log.info(TrainerEvent.PREPARED, **file.info.model_dump(), files=file.files, undecodable=file.undecodable)
    message = f"{file.info.tokens} tokens to train on, {file.info.held_out_tokens} held out"
    return TerminationMessage(reason="Completed", message=message, dataset=file.info)


def _create(run: RunConfig, files: list[TextFile], dataset: str, directory: Path, log: JsonLog) -> DatasetFile:
    texts = split(files, run.data.held_out_percent)
    vocab_size = run.data.tokenizer.vocab_size
    started_at = time.monotonic()
    tokenizer = train_tokenizer(texts.training, vocab_size)
    log.info(TrainerEvent.TOKENIZER_TRAINED, vocab_size=vocab_size, seconds=round(time.monotonic() - started_at, 1))
    dtype = token_type(vocab_size)
    training = _encode(tokenizer, texts.training, dtype, log.bind(split="training"))
    held_out = _encode(tokenizer, texts.held_out, dtype, log.bind(split="held-out"))
    info = DatasetInfo(
        id=dataset,
        tokens=len(training),
        held_out_tokens=len(held_out),
        vocab_size=vocab_size,
        unigram_loss=unigram_loss(training, held_out, vocab_size),
    )
    _check_length(info, config_for(run.model, vocab_size).context_length)
    file = DatasetFile(info=info, type=dtype, files=len(files), undecodable=texts.undecodable)
    _write(directory, file, tokenizer, training, held_out)
    return file


def _write(directory: Path, file: DatasetFile, tokenizer: Tokenizer, training: Tokens, held_out: Tokens) -> None:
    with atomic_directory(directory) as unfinished:
        training.tofile(unfinished / TRAINING_FILE)
        held_out.tofile(unfinished / HELD_OUT_FILE)
        save_tokenizer(tokenizer, unfinished)
        (unfinished / DATASET_FILE).write_text(file.model_dump_json(by_alias=True))


def _encode(tokenizer: Tokenizer, documents: list[str], dtype: str, log: JsonLog) -> Tokens:
    """Return the tokens (tokens,) of all documents, each followed by an end-of-text token."""
    pieces: list[Tokens] = []
    reported_at = time.monotonic()
    for number, ids in enumerate(_token_ids(tokenizer, documents), start=1):
        pieces.append(np.array([*ids, END_OF_TEXT_ID], dtype=np.dtype(dtype).newbyteorder("<")))
        if time.monotonic() - reported_at > 1:
            reported_at = time.monotonic()
            log.info(TrainerEvent.DOCUMENTS_TOKENIZED, documents=number, of=len(documents))
    return np.concatenate(pieces)


def _token_ids(tokenizer: Tokenizer, documents: list[str]) -> Iterator[list[int]]:
    for start in range(0, len(documents), BATCH_DOCUMENTS):
        for encoding in tokenizer.encode_batch_fast(documents[start : start + BATCH_DOCUMENTS]):
            yield encoding.ids


def _check_length(info: DatasetInfo, context_length: int) -> None:
    """BadInput if a split is shorter than one window."""
    for name, tokens in (("training", info.tokens), ("held-out", info.held_out_tokens)):
        if window_count(tokens, context_length) == 0:
            raise BadInput(
                f"spec.data.source: the {name} text is only {tokens} tokens long, shorter than a window of "
                f"{context_length} tokens; add text or lower spec.model.contextLength"
            )
