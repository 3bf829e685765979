"""The words of a sample are found in its tokens, with every kind of tokenizer."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from llmtrain_trainer.data.word_starts import WordStarts
from llmtrain_trainer.errors import BadInput
from unit.trainer.data.texts_of_words import TEXT, TOKENIZERS

LETTERS = ["good", "film", "it", "was", "fine", "and", "good", "looking", "café", "new", "words", "of"]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_words_are_the_letters_in_a_row(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    tokens = np.array(tokenizer.encode(TEXT).ids, dtype=np.uint16)
    units = WordStarts.of(tokenizer).units(tokens)
    assert [token for unit in units for token in unit.tokens] == tokens.tolist()
    words = [tokenizer.decode(list(unit.tokens)).strip().lower() for unit in units if unit.is_word]
    assert words[: len(LETTERS)] == LETTERS
    assert len(words) == len(LETTERS) + 1, "the last word may be unknown"
    assert [unit.is_fixed for unit in units].count(True) == (2 if name == "wordpiece" else 0)


@pytest.mark.parametrize("name", ["bpe", "small bpe"])
def test_the_first_word_of_a_line_and_one_behind_a_mark_have_no_space(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    units = WordStarts.of(tokenizer).units(np.array(tokenizer.encode(TEXT).ids))
    without = [tokenizer.decode(list(unit.tokens)) for unit in units if unit.is_word and not unit.is_spaced]
    assert without == ["Good", "fine", "looking", "new"]


def test_a_sample_without_tokens_has_no_units() -> None:
    assert WordStarts.of(TOKENIZERS["words"]()).units(np.array([], dtype=np.uint16)) == []


def test_a_tokenizer_that_marks_the_ends_of_words_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^spec\.training\.augment: the tokenizer of the model marks the ends of words"):
        WordStarts.of(Tokenizer(models.BPE(end_of_word_suffix="</w>")))
