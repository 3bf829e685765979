"""Tokens are shown as words, with any tokenizer, and no character is lost."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders

from llmtrain_api.data import Tokenizer as Settings
from llmtrain_trainer.data.token_words import TokenWord, token_words
from llmtrain_trainer.data.tokenizer import load_tokenizer, train_for
from support.bert_folder import SPECIAL, write_tokenizer
from unit.trainer.builders import WORDS, prose


def byte_level(tmp_path: Path) -> Tokenizer:
    return train_for(Settings(vocab_size=280), [prose(2000)], masks=False, ends_texts=False)


def test_a_word_has_all_of_its_tokens_and_the_space_before_it(tmp_path: Path) -> None:
    tokenizer, text = byte_level(tmp_path), "the unfathomable fox\nran,  twice"
    tokens = tokenizer.encode(text).ids
    words = token_words(tokenizer, tokens)
    assert "".join(word.text for word in words) == text
    assert [word.text.strip() for word in words if word.text.strip()] == text.split()
    assert [(word.start, word.stop) for word in words] == [
        (start, stop)
        for start, stop in zip(
            [word.start for word in words], [*[word.start for word in words][1:], len(tokens)], strict=True
        )
    ]


def test_a_character_of_several_tokens_is_whole(tmp_path: Path) -> None:
    tokenizer = byte_level(tmp_path)
    tokens = tokenizer.encode("a 漢字 b").ids
    assert [word.text for word in token_words(tokenizer, tokens)] == ["a", " 漢字", " b"]
    assert [word.text for word in token_words(tokenizer, tokens[:3])] == ["a", " "]


def test_pieces_of_words_are_joined_and_special_tokens_are_words(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, [*SPECIAL, *WORDS, "##fox"])
    tokenizer = load_tokenizer(tmp_path)
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.no_padding()
    tokens = tokenizer.encode("the quickfox jumps").ids
    words = token_words(tokenizer, tokens)
    assert [word.text.strip() for word in words] == ["[CLS]", "the", "quickfox", "jumps", "[SEP]"]
    assert (words[2].start, words[2].stop) == (2, 4)


def test_whole_words_are_words() -> None:
    tokenizer = train_for(Settings(kind="words", min_count=1), ["one two, three"], masks=False, ends_texts=False)
    words = token_words(tokenizer, tokenizer.encode("two one").ids)
    assert words == [TokenWord("two", 0, 1), TokenWord(" one", 1, 2)]


@pytest.mark.parametrize("tokens", [[], [1]])
def test_few_tokens(tokens: list[int], tmp_path: Path) -> None:
    assert len(token_words(byte_level(tmp_path), tokens)) == len(tokens)
