"""The tokenizer of a model makes the sequences that `transformers` makes of words, and of a question with its context."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

from llmtrain_trainer.data.model_encoding import ModelEncoding
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.questions import Answer, Question
from llmtrain_trainer.data.tagged_words import word_tokens
from llmtrain_trainer.data.tokenizer import END_OF_TEXT
from llmtrain_trainer.errors import BadInput
from support.bert_folder import SPECIAL, write_tokenizer

TOKENS = [*SPECIAL, "fox", "##y", "a", "quartz", "is", "what", "?", "where"]
CLS, SEP = 2, 3
CONTEXT = " ".join(["a", "foxy", "quartz", "is", "a", "fox"] * 5)


def encoding_of(folder: Path) -> ModelEncoding:
    return ModelEncoding(model=ModelTokenizer.open(folder), dtype=np.dtype("<u2"))


@pytest.fixture
def encoding(tmp_path: Path) -> ModelEncoding:
    write_tokenizer(tmp_path, TOKENS)
    return encoding_of(tmp_path)


def test_words_have_the_pieces_of_transformers(encoding: ModelEncoding, tmp_path: Path) -> None:
    words = ["A", "foxy", "quartz", "unknown"]
    pieces = [of_word.tolist() for of_word in word_tokens(encoding, words)]
    whole = AutoTokenizer.from_pretrained(tmp_path)(words, is_split_into_words=True)
    assert [*encoding.before, *itertools.chain(*pieces), *encoding.after] == whole["input_ids"]
    assert [len(of_word) for of_word in pieces] == [1, 2, 1, 1]


def test_a_word_that_the_tokenizer_leaves_out_is_the_unknown_token(encoding: ModelEncoding) -> None:
    (tokens,) = word_tokens(encoding, ["\u200b"])
    assert tokens.tolist() == [SPECIAL.index("[UNK]")]


@pytest.mark.parametrize("piece", ["", " ", "\n\n\t", "\u200b"])
def test_a_piece_of_text_that_the_tokenizer_leaves_out_has_no_tokens(encoding: ModelEncoding, piece: str) -> None:
    assert encoding.encode(piece) == b""


def test_windows_are_those_of_transformers(encoding: ModelEncoding, tmp_path: Path) -> None:
    question = Question(question="what is a fox?", context=CONTEXT)
    windows = encoding.windows(question, 16)
    room = 16 - 5 - 3
    expected = AutoTokenizer.from_pretrained(tmp_path)(
        question.question,
        CONTEXT,
        max_length=16,
        truncation="only_second",
        stride=room // 3,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    assert [window.tokens for window in windows] == expected["input_ids"]
    assert len(windows) > 3
    for window, offsets in zip(windows, expected["offset_mapping"], strict=True):
        stop = window.first + len(window.characters)
        assert window.tokens[window.first - 1] == window.tokens[stop] == SEP
        assert window.characters == offsets[window.first : stop]
    assert not encoding.shortens(question, 16)


def test_an_answer_is_found_where_it_is_in_the_context(encoding: ModelEncoding) -> None:
    window = encoding.windows(Question(question="where?", context=CONTEXT), 24)[0]
    start, last = window.span(Answer("foxy quartz", 2))
    assert window.tokens[start : last + 1] == [5, 6, 8]
    assert window.characters_of(start, last) == (2, 13)


def test_a_long_question_takes_half_of_a_window(encoding: ModelEncoding) -> None:
    question = Question(question="what is a fox " * 9, context=CONTEXT)
    assert encoding.shortens(question, 16)
    assert {window.first for window in encoding.windows(question, 16)} == {7}


def test_a_context_without_tokens_has_one_window(encoding: ModelEncoding) -> None:
    (window,) = encoding.windows(Question(question="what?", context="\u200b"), 16)
    assert window.characters == [(0, 1)]


def test_special_tokens_are_known(encoding: ModelEncoding) -> None:
    assert (encoding.before, encoding.after) == ((CLS,), (SEP,))
    assert encoding.model.after_two == 1
    assert encoding.model.separator == SEP


def write_plain_tokenizer(folder: Path, *special: str) -> ModelEncoding:
    """Write a tokenizer that puts nothing around a text or between two."""
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate((*special, "a", "b"))}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    return encoding_of(folder)


def test_a_tokenizer_without_separators_is_used_as_one_of_llmtrain(tmp_path: Path) -> None:
    encoding = write_plain_tokenizer(tmp_path, END_OF_TEXT)
    assert (encoding.before, encoding.after, encoding.model.separator) == ((), (), None)
    (window,) = encoding.windows(Question(question="a", context="b a"), 16)
    assert window.tokens == [0, 1, 0, 2, 1]


def test_one_that_has_no_end_of_text_either_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^spec\.model\.from: the tokenizer of the model puts nothing between"):
        write_plain_tokenizer(tmp_path).windows(Question(question="a", context="b a"), 16)
