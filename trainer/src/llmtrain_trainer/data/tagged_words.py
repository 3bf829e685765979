"""Words with a tag each: their tokens, of which the first one of each word has its tag.

Words and tags are kept as text with one space between them. A word is tokenized with a space before it, as it stands
within a sentence, wherever it is: the same word has the same tokens.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.encoding import Encoding

NOT_LEARNED = 2**16 - 1
"""The tag of tokens that are not the first one of a word; no class has this number."""
_SPACES = re.compile(r"[\t-\r ]+")


def words_in(text: str) -> list[str]:
    """Return the words of a text, at ASCII whitespace: other spaces, such as U+00A0, are parts of words."""
    return [word for word in _SPACES.split(text) if word]


def joined_words(words: list[str]) -> str | None:
    """Return words as one text; None if one of them is empty or has whitespace, so that they could not be separated again."""
    return " ".join(words) if all(word and not _SPACES.search(word) for word in words) else None


def word_tokens(encoding: Encoding, words: list[str]) -> Iterator[NDArray[np.unsignedinteger]]:
    """Yield the tokens of each word: the unknown one for a word that the tokenizer leaves out, because each word has a tag."""
    for word in words:
        of_word = np.frombuffer(encoding.encode(f" {word}"), dtype=encoding.dtype)
        yield of_word if len(of_word) else np.array([encoding.unknown], dtype=encoding.dtype)
