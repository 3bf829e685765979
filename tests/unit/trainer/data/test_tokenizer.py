"""Any text can be tokenized and restored; the special token is token 0 and does not occur in text."""

from pathlib import Path

import pytest

from llmtrain_trainer.data.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, load_tokenizer, save_tokenizer, train_tokenizer
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
