"""Byte-level byte-pair encoding (Sennrich et al. 2016; bytes as in GPT-2): any text becomes tokens and back."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from llmtrain_trainer.errors import BadInput

END_OF_TEXT = "<|endoftext|>"
"""Stands between documents. It is token 0."""
END_OF_TEXT_ID = 0
TOKENIZER_FILE = "tokenizer.json"


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Return a tokenizer with exactly `vocab_size` tokens learned from `texts`; BadInput if they are too few."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, _trainer(vocab_size))
    if tokenizer.get_vocab_size() < vocab_size:
        raise BadInput(
            f"spec.data.tokenizer.vocabSize: the text holds only {tokenizer.get_vocab_size()} different tokens, "
            f"not {vocab_size}; put more text there or ask for fewer"
        )
    return tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer kept in `folder`."""
    return Tokenizer.from_file(str(folder / TOKENIZER_FILE))


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Keep the tokenizer in `folder`, in the format that all of Hugging Face's libraries read."""
    (folder / TOKENIZER_FILE).write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False))


def _trainer(vocab_size: int) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
