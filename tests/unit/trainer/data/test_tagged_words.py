"""Words are separated by ASCII whitespace alone, and each has the same tokens wherever it stands."""

import numpy as np
import pytest

from llmtrain_trainer.data.cached_encoding import CachedEncoding
from llmtrain_trainer.data.tagged_words import joined_words, word_tokens, words_in
from llmtrain_trainer.data.tokenizer import train_tokenizer
from unit.trainer.builders import prose


def test_words_are_separated_by_ascii_whitespace() -> None:
    assert words_in(" a\tb \r\n c\u00a0d ") == ["a", "b", "c\u00a0d"]


@pytest.mark.parametrize("words", [["a", ""], ["a b"], ["a\n"]])
def test_words_that_could_not_be_separated_again_are_not_joined(words: list[str]) -> None:
    assert joined_words(words) is None
    assert joined_words(["a", "b\u00a0c"]) == "a b\u00a0c"


def test_a_word_has_the_same_tokens_wherever_it_stands() -> None:
    tokenizer = train_tokenizer([prose(400)], 280)
    encoding = CachedEncoding(tokenizer=tokenizer, dtype=np.dtype("<u2"))
    first, _, last = word_tokens(encoding, ["unfathomable", "it's", "unfathomable"])
    assert len(first) > 1
    assert first.tolist() == last.tolist() == tokenizer.encode(" unfathomable").ids
