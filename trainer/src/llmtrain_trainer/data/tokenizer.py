"""Byte-level byte-pair encoding (BPE; Sennrich et al. 2016, on bytes as in GPT-2): lossless for any text."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from llmtrain_trainer.data.written_files import (
    WrittenFile,
    digest_of,
    is_as_written,
    read_model,
    write_atomically,
    write_model,
)
from llmtrain_trainer.errors import BadInput

END_OF_TEXT = "<|endoftext|>"
"""The token that ends each document."""
END_OF_TEXT_ID = 0
TOKENIZER_FILE = "tokenizer.json"
TRAINED_FILE = "trained.json"
"""Size and digest of the tokenizer, written after it."""


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Return a tokenizer with `vocab_size` tokens, trained on `texts`. BadInput if the texts yield fewer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.encode_special_tokens = True
    tokenizer.train_from_iterator(texts, _trainer(vocab_size))
    if tokenizer.get_vocab_size() < vocab_size:
        raise BadInput(
            f"spec.data.tokenizer.vocabSize: the text holds only {tokenizer.get_vocab_size()} different tokens, "
            f"not {vocab_size}; put more text there or lower vocabSize"
        )
    return tokenizer


def load_tokenizer(directory: Path) -> Tokenizer:
    """Return the tokenizer saved in `directory`. It reads text as text: no characters become the special token."""
    tokenizer = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
    tokenizer.encode_special_tokens = True
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    """Save the tokenizer in `directory`."""
    write_atomically(tokenizer_json(tokenizer).encode(), directory / TOKENIZER_FILE)


def save_trained(tokenizer: Tokenizer, directory: Path) -> None:
    """Save the tokenizer in `directory` for `is_trained`, so that damage is noticed."""
    save_tokenizer(tokenizer, directory)
    write_model(digest_of(directory / TOKENIZER_FILE), directory / TRAINED_FILE)


def is_trained(directory: Path) -> bool:
    """Return whether `directory` holds a tokenizer as `save_trained` wrote it."""
    return is_as_written(directory / TOKENIZER_FILE, read_model(WrittenFile, directory / TRAINED_FILE))


def tokenizer_json(tokenizer: Tokenizer) -> str:
    """Return the contents of `tokenizer.json`, the format that Hugging Face's libraries read."""
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False)


def _trainer(vocab_size: int) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
