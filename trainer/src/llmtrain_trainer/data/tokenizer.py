"""Tokenizers: byte-level byte-pair encoding (BPE; Sennrich et al. 2016, on bytes as in GPT-2), lossless for any text, WordPiece
(Schuster and Nakajima 2012, as in BERT), and whole words.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from llmtrain_api import data
from llmtrain_api.tasks import WORD_KINDS
from llmtrain_trainer.data.word_splitter import LIBRARIES, WordSplitter, installed_splitter
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
MASK = "<|mask|>"
"""The token that replaces others in the task masked."""
TOKENIZER_FILE = "tokenizer.json"
WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""GPT-2's pattern: a word is letters, digits or other characters in a row."""
MAX_WORDS = 2**20
"""Different words, with the end of text, as of `data.tokenizer.vocabSize`."""
WITHIN = "##"
"""The beginning of a piece that continues a word."""
TRAINED_FILE = "trained.json"
"""Size and digest of the tokenizer, written after it."""


def train_for(settings: data.Tokenizer, texts: Iterable[str], *, masks: bool, ends_texts: bool) -> Tokenizer:
    """Return the tokenizer that a job asks for, trained on `texts`; BadInput if they yield fewer tokens."""
    if settings.kind in WORD_KINDS:
        splitter = installed_splitter(settings.kind) if settings.kind in LIBRARIES else None
        return train_words(texts, settings.min_count, splitter)
    if settings.kind == "wordpiece":
        return train_wordpiece(texts, settings.vocab_size)
    return train_tokenizer(texts, settings.vocab_size, masks=masks, ends_texts=ends_texts)


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, *, masks: bool = False, ends_texts: bool = False
) -> Tokenizer:
    """Return a tokenizer with `vocab_size` tokens, trained on `texts`; BadInput if they yield fewer.

    MASK is one of them if it `masks`; it ends each text with END_OF_TEXT if it `ends_texts`.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.encode_special_tokens = True
    tokenizer.train_from_iterator(texts, _trainer(vocab_size, masks=masks))
    _require_size(tokenizer, vocab_size)
    if ends_texts:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {END_OF_TEXT}", special_tokens=[(END_OF_TEXT, END_OF_TEXT_ID)]
        )
    return tokenizer


def train_wordpiece(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Return a tokenizer of pieces of words in lower case, of `vocab_size`; BadInput if `texts` yield fewer, or have too many characters.

    A word with another character is the token of the end of text. Each character is a token at the beginning of a word, and one
    within: the library numbers the latter as a hash table yields them, and then the pieces, unless they are there before.
    """
    texts, lower_case = list(texts), normalizers.Lowercase()
    characters = sorted({character for text in texts for character in lower_case.normalize_str(text)})
    within = [f"{WITHIN}{character}" for character in characters if character not in " \t\r\n"]
    if 2 * len(within) + 1 > vocab_size:
        raise BadInput(
            f"spec.data.tokenizer.vocabSize: the text has {len(within)} different characters, of which kind wordpiece makes two tokens "
            f"each; raise vocabSize to more than {2 * len(within) + 1}, or set kind to bpe"
        )
    trained = Tokenizer(models.WordPiece(unk_token=END_OF_TEXT))
    _split_into_words(trained)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=[END_OF_TEXT, *within], show_progress=False
    )
    trained.train_from_iterator(texts, trainer)
    _require_size(trained, vocab_size)
    tokenizer = Tokenizer(models.WordPiece(trained.get_vocab(), unk_token=END_OF_TEXT))
    _split_into_words(tokenizer)
    tokenizer.decoder = decoders.WordPiece(WITHIN)
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def train_words(texts: Iterable[str], min_count: int, splitter: WordSplitter | None = None) -> Tokenizer:
    """Return a tokenizer of the words, in lower case, that occur at least `min_count` times in `texts`, most frequent first.

    Any other word is the token of the end of text. With a `splitter` it reads words that are separated by spaces, as that separates
    them. BadInput if there is no such word, or there are too many.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=END_OF_TEXT))
    _split_into_words(tokenizer)
    if splitter is not None:
        marked = [pre_tokenizers.Split(splitter.mark, "removed"), pre_tokenizers.WhitespaceSplit()]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(marked)
        texts = (" ".join(splitter.words(text)) for text in texts)
    trainer = trainers.WordLevelTrainer(
        vocab_size=MAX_WORDS + 1, min_frequency=min_count, special_tokens=[END_OF_TEXT], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    size = tokenizer.get_vocab_size()
    if not 2 <= size <= MAX_WORDS:
        found, change = ("no words", "lower") if size < 2 else (f"more than {MAX_WORDS - 1} words", "raise")
        raise BadInput(
            f"spec.data.tokenizer.minCount: the text holds {found} that occur at least {min_count} times; {change} minCount"
        )
    return tokenizer


def vocabulary_size(directory: Path) -> int:
    """Return how many tokens the tokenizer saved in `directory` has."""
    size: int = load_tokenizer(directory).get_vocab_size()
    return size


def words_of(tokenizer: Tokenizer) -> list[str]:
    """Return the words of a tokenizer in the order of their tokens, from token 1 on: token 0 is no word."""
    return [str(tokenizer.id_to_token(token)) for token in range(1, tokenizer.get_vocab_size())]


def token_bytes(tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Return of how many bytes of text each token is (vocab_size,): zeros if the tokenizer is not one of bytes."""
    sizes_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    if isinstance(tokenizer.decoder, decoders.ByteLevel):
        special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
        for text, token in tokenizer.get_vocab().items():
            sizes_V[token] = 0 if text in special else len(text)  # a character stands for a byte
    return sizes_V


def vocabulary_tokenizer(words: Iterable[str]) -> Tokenizer:
    """Return a tokenizer that knows whole words: word n has the token n + 1, any other text the end of text."""
    vocabulary = {END_OF_TEXT: END_OF_TEXT_ID} | {word: number for number, word in enumerate(words, start=1)}
    return Tokenizer(models.WordLevel(vocabulary, unk_token=END_OF_TEXT))


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


def _split_into_words(tokenizer: Tokenizer) -> None:
    """Let a tokenizer split text in lower case into words without the whitespace around them."""
    tokenizer.normalizer = normalizers.Lowercase()
    split = [pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.WhitespaceSplit()]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(split)
    tokenizer.encode_special_tokens = True


def _require_size(tokenizer: Tokenizer, vocab_size: int) -> None:
    if tokenizer.get_vocab_size() < vocab_size:
        raise BadInput(
            f"spec.data.tokenizer.vocabSize: the text holds only {tokenizer.get_vocab_size()} different tokens, "
            f"not {vocab_size}; put more text there or lower vocabSize"
        )


def _trainer(vocab_size: int, *, masks: bool) -> trainers.BpeTrainer:
    # A mask stands for a word with the space before it, which is a part of the word's first token.
    more = [AddedToken(MASK, lstrip=True, special=True)] if masks else []
    return trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT, *more],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
