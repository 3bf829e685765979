"""The prepare stage: text becomes a dataset folder, named by a hash of the text and the settings.

Whoever asks for the same again finds it there, so restarts and further jobs cost only the hash.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import DatasetInfo, TerminationMessage
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.data.dataset import (
    FACTS_FILE,
    HELD_OUT_FILE,
    TRAINING_FILE,
    DatasetFile,
    Tokens,
    prepared_folder,
    read_dataset_file,
    token_type,
    window_count,
)
from llmtrain_trainer.data.source import TextFile, fingerprint, read_source
from llmtrain_trainer.data.split import split
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, save_tokenizer, train_tokenizer
from llmtrain_trainer.data.unigram import unigram_loss
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.log import Log
from llmtrain_trainer.models.config import config_for

FORMAT = 1
"""Part of the hash: raised when other tokens would come of the same text."""
DOCUMENTS_AT_ONCE = 64


def prepare(run: RunConfig, log: Log) -> TerminationMessage:
    """Make the job's dataset, unless it is there already. BadInput if its text can't be trained on."""
    files = read_source(run.data.source, Path(run.data_directory))
    settings = run.data.tokenizer
    dataset = fingerprint(files, FORMAT, settings.kind, settings.vocab_size, run.data.held_out_percent)
    log.info("read", files=len(files), bytes=sum(len(file.content) for file in files), dataset=dataset)
    folder = prepared_folder(run.data_directory, dataset)
    file = read_dataset_file(folder)
    if file is None:
        file = _make(run, files, dataset, folder, log)
    _check_length(file.facts, config_for(run.model, settings.vocab_size).context_length)
    log.info("prepared", **file.facts.model_dump(), files=file.files, undecodable=file.undecodable)
    message = f"{file.facts.tokens} tokens to train on, {file.facts.held_out_tokens} held out"
    return TerminationMessage(reason="Completed", message=message, dataset=file.facts)


def _make(run: RunConfig, files: list[TextFile], dataset: str, folder: Path, log: Log) -> DatasetFile:
    texts = split(files, run.data.held_out_percent)
    vocab_size = run.data.tokenizer.vocab_size
    started = time.monotonic()
    tokenizer = train_tokenizer(texts.training, vocab_size)
    log.info("tokenizer", vocab_size=vocab_size, seconds=round(time.monotonic() - started, 1))
    kind = token_type(vocab_size)
    training = _encode(tokenizer, texts.training, kind, log.bind(split="training"))
    held_out = _encode(tokenizer, texts.held_out, kind, log.bind(split="held-out"))
    facts = DatasetInfo(
        id=dataset,
        tokens=len(training),
        held_out_tokens=len(held_out),
        vocab_size=vocab_size,
        unigram_loss=unigram_loss(training, held_out, vocab_size),
    )
    _check_length(facts, config_for(run.model, vocab_size).context_length)
    file = DatasetFile(facts=facts, type=kind, files=len(files), undecodable=texts.undecodable)
    _write(folder, file, tokenizer, training, held_out)
    return file


def _write(folder: Path, file: DatasetFile, tokenizer: Tokenizer, training: Tokens, held_out: Tokens) -> None:
    with atomic_directory(folder) as unfinished:
        training.tofile(unfinished / TRAINING_FILE)
        held_out.tofile(unfinished / HELD_OUT_FILE)
        save_tokenizer(tokenizer, unfinished)
        (unfinished / FACTS_FILE).write_text(file.model_dump_json(by_alias=True))


def _encode(tokenizer: Tokenizer, documents: list[str], kind: str, log: Log) -> Tokens:
    """Return the tokens of all documents, each followed by an end-of-text token."""
    pieces: list[Tokens] = []
    reported = time.monotonic()
    for number, ids in enumerate(_token_ids(tokenizer, documents), start=1):
        pieces.append(np.array([*ids, END_OF_TEXT_ID], dtype=np.dtype(kind).newbyteorder("<")))
        if time.monotonic() - reported > 1:
            reported = time.monotonic()
            log.info("tokenizing", documents=number, of=len(documents))
    return np.concatenate(pieces)


def _token_ids(tokenizer: Tokenizer, documents: list[str]) -> Iterator[list[int]]:
    for start in range(0, len(documents), DOCUMENTS_AT_ONCE):
        for encoding in tokenizer.encode_batch_fast(documents[start : start + DOCUMENTS_AT_ONCE]):
            yield encoding.ids


def _check_length(facts: DatasetInfo, context_length: int) -> None:
    """Refuse text in which not even one window fits."""
    for name, tokens in (("training", facts.tokens), ("held-out", facts.held_out_tokens)):
        if window_count(tokens, context_length) == 0:
            raise BadInput(
                f"spec.data.source: the {name} text is only {tokens} tokens long, but the model sees "
                f"{context_length} at once; put more text there or lower spec.model.contextLength"
            )
