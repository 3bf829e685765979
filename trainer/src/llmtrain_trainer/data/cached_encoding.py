r"""Tokenizing text word by word, each different word once: several times as fast as tokenizing it whole.

Byte-level BPE splits text by GPT-2's pattern and merges bytes only within such a word, so the tokens of a text are those of
its words, one after another. Python's regular expressions know that pattern's classes of characters only for ASCII: the
words around other characters, up to places where text can be cut (see pieces.py), are tokenized by the library.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from llmtrain_trainer.data.pieces import SAFE
from llmtrain_trainer.data.question_windows import Window, is_shortened, question_windows
from llmtrain_trainer.data.questions import Question
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID
from llmtrain_trainer.data.word_splitter import WordSplitter, splitter_of

WORD = re.compile(
    r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?[0-9]+| ?[^\t-\r A-Za-z0-9]+|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]+", re.ASCII
)
"""GPT-2's pattern for text in ASCII."""
LOWER_CASE = str.maketrans(ascii_uppercase, ascii_lowercase)
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
MAX_NOT_ASCII_SHARE = 0.02
"""Text with a greater share of other characters is tokenized whole."""
MAX_CACHED_WORDS, MAX_CACHED_CHARACTERS = 2**17, 64
"""Words that are kept, and the longest of them; the cache is emptied when it is full."""


@dataclass(frozen=True, kw_only=True)
class CachedEncoding:
    """Tokenizes text to the bytes of a token file. Implements `Encoding`."""

    tokenizer: Tokenizer
    dtype: "np.dtype[np.unsignedinteger]"
    before: ClassVar[tuple[int, ...]] = ()
    after: ClassVar[tuple[int, ...]] = ()
    unknown: ClassVar[int] = END_OF_TEXT_ID
    _cache: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def _splitter(self) -> WordSplitter | None:
        return splitter_of(self.tokenizer)

    def encode(self, text: str) -> bytes:
        """Return the tokens of a text, as the library would; of its words, if it is split before. BadInput if it can't be."""
        if self._splitter is not None:
            return self._encode_words(self._splitter.words(text))
        if self.tokenizer.normalizer is not None:  # lower case, before text is split into words
            text = text.translate(LOWER_CASE)
        if text.isascii():
            return self._encode_ascii(text)
        if len(text) - len(text.encode("ascii", "ignore")) > MAX_NOT_ASCII_SHARE * len(text):
            return self._encode_whole(text)
        encoded, done = [], 0
        for start, stop in _spans_with_others(text):
            encoded += [self._encode_ascii(text[done:start]), self._encode_whole(text[start:stop])]
            done = stop
        return b"".join((*encoded, self._encode_ascii(text[done:])))

    def beginning(self, text: str, max_tokens: int) -> NDArray[np.unsignedinteger]:
        """Return at most `max_tokens` tokens of a text."""
        return np.frombuffer(self.encode(text), dtype=self.dtype)[:max_tokens]

    def windows(self, question: Question, max_tokens: int) -> list[Window]:
        """Return the sequences of a question."""
        return question_windows(self.tokenizer, question, max_tokens)

    def shortens(self, question: Question, max_tokens: int) -> bool:
        """Return whether only the beginning of a question is in its windows."""
        return is_shortened(self.tokenizer, question, max_tokens)

    def _encode_ascii(self, text: str) -> bytes:
        return self._encode_words(WORD.findall(text))

    def _encode_words(self, words: list[str]) -> bytes:
        if len(self._cache) > MAX_CACHED_WORDS:
            self._cache.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._cache]
        for word, encoding in zip(new, self.tokenizer.encode_batch_fast(new) if new else (), strict=True):
            self._cache[word] = self._to_bytes(encoding.ids)
        encoded = b"".join([self._cache[word] for word in words])
        for word in new:
            if len(word) > MAX_CACHED_CHARACTERS:
                del self._cache[word]
        return encoded

    def _encode_whole(self, text: str) -> bytes:
        return self._to_bytes(self.tokenizer.encode_batch_fast([text])[0].ids)

    def _to_bytes(self, ids: list[int]) -> bytes:
        return np.array(ids, dtype=self.dtype).tobytes()


def _spans_with_others(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text, between places where it can be cut, that hold characters outside of ASCII."""
    done = 0
    for found in NOT_ASCII.finditer(text):
        if found.start() < done:
            continue
        start = _cut_before(text, done, found.start())
        cut = SAFE.search(text, found.end() - 1)
        done = cut.end() - 1 if cut else len(text)
        yield start, done


def _cut_before(text: str, low: int, high: int) -> int:
    """Return the last place in (low, high) where `text` can be cut; else `low`."""
    while (place := max(text.rfind(" ", low, high), text.rfind("\n", low, high))) > low:
        if SAFE.match(text, place - 1):
            return place
        high = place
    return low
