"""Any text can be tokenized and restored; the special token is token 0 and does not occur in text."""

import random
from pathlib import Path

import pytest

from llmtrain_trainer.data import tokenizer as module
from llmtrain_trainer.data.tokenizer import (
    END_OF_TEXT,
    END_OF_TEXT_ID,
    load_tokenizer,
    save_tokenizer,
    tokenizer_json,
    train_tokenizer,
    train_wordpiece,
    train_words,
    vocabulary_size,
)
from llmtrain_trainer.errors import BadInput
from unit.trainer.builders import VOCAB_SIZE, prose


@pytest.mark.parametrize("text", ["the quick fox", "  def f(x):\n\treturn x\n", "żółw 漢字 🐢 \x00", ""])
def test_decoding_restores_the_text(text: str, tmp_path: Path) -> None:
    save_tokenizer(train_tokenizer([prose(2000)], VOCAB_SIZE), tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_vocabulary_has_the_requested_size_and_starts_with_the_end_of_text() -> None:
    tokenizer = train_tokenizer([prose(2000)], VOCAB_SIZE)
    assert tokenizer.get_vocab_size() == VOCAB_SIZE
    assert tokenizer.token_to_id(END_OF_TEXT) == END_OF_TEXT_ID


def test_too_little_text_is_rejected_with_the_field() -> None:
    with pytest.raises(BadInput, match=r"spec\.data\.tokenizer\.vocabSize: the text holds only .* not 4096; put more"):
        train_tokenizer([prose(50)], 4096)


def test_words_are_put_together_of_pieces_in_lower_case(tmp_path: Path) -> None:
    save_tokenizer(train_wordpiece([prose(2000)], 90), tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    encoding = tokenizer.encode("The FOXES jumped ż")
    assert (tokenizer.get_vocab_size(), tokenizer.token_to_id(END_OF_TEXT)) == (90, END_OF_TEXT_ID)
    assert encoding.tokens == ["the", "fox", "##e", "##s", "j", "##um", "##p", "##e", "##d", END_OF_TEXT]
    assert tokenizer.decode(encoding.ids[:-1]) == "the foxes jumped"


def test_the_pieces_are_a_function_of_the_text() -> None:
    """Most pairs of characters are as frequent as others."""
    texts = ["".join(random.Random(number).choices("abcdefghijklmnopqrst  ", k=60)) for number in range(50)]
    first = tokenizer_json(train_wordpiece(iter(texts), 400))
    assert all(tokenizer_json(train_wordpiece(iter(texts), 400)) == first for _ in range(3))


def test_too_little_text_for_pieces_is_rejected_with_the_field() -> None:
    with pytest.raises(BadInput, match=r"spec\.data\.tokenizer\.vocabSize: the text holds only .* not 4096; put more"):
        train_wordpiece([prose(50)], 4096)


def test_more_characters_than_pieces_are_rejected_with_the_field() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4F00)))
    with pytest.raises(
        BadInput, match=r"vocabSize: the text has 256 different characters, .* raise vocabSize to more than 513"
    ):
        train_wordpiece([text], 500)


def test_words_are_in_lower_case_and_rare_ones_are_unknown(tmp_path: Path) -> None:
    save_tokenizer(train_words(["The fox isn't a FOX, the\u00a0fox", "\tis 3.5 Žluť žluť ..."], 2), tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.encode("the THE fox žLUŤ is wolf<|endoftext|>").tokens == [
        "the",
        "the",
        "fox",
        "žluť",
        END_OF_TEXT,
        END_OF_TEXT,
        END_OF_TEXT,
        END_OF_TEXT,
        END_OF_TEXT,
    ]
    assert [tokenizer.id_to_token(number) for number in range(vocabulary_size(tmp_path))] == [
        END_OF_TEXT,
        "fox",
        "the",
        "žluť",
    ]


def test_words_that_are_all_rare_or_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        BadInput, match=r"spec\.data\.tokenizer\.minCount: the text holds no words that occur at least 9 times; lower"
    ):
        train_words(["a b a"], 9)
    monkeypatch.setattr(module, "MAX_WORDS", 3)
    with pytest.raises(
        BadInput, match=r"minCount: the text holds more than 2 words that occur at least 1 times; raise"
    ):
        train_words(["a b c"], 1)
