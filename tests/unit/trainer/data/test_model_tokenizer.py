"""The tokenizer of a model reads a text as `transformers` does, also one that is too long or comes in parts."""

from pathlib import Path

import pytest

from llmtrain_trainer.data.model_tokenizer import MARGIN_TOKENS, ModelTokenizer
from llmtrain_trainer.errors import BadInput
from support.bert_folder import SPECIAL, write_tokenizer

TOKENS = [*SPECIAL, "fox", "##y", "a", "quartz"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> ModelTokenizer:
    write_tokenizer(tmp_path, TOKENS)
    return ModelTokenizer.open(tmp_path)


def test_special_tokens_are_around_a_text_also_where_it_is_cut(tokenizer: ModelTokenizer) -> None:
    assert tokenizer.encode("A foxy quartz", 12) == ([2, 7, 5, 6, 8, 3], False)
    assert tokenizer.encode("A foxy quartz", 6) == ([2, 7, 5, 6, 8, 3], False)
    assert tokenizer.encode("A foxy quartz", 5) == ([2, 7, 5, 6, 3], True)
    assert tokenizer.encode("a " * 20, 12)[0] == [2, *[7] * 10, 3]


def test_names_of_special_tokens_in_a_text_are_text(tokenizer: ModelTokenizer) -> None:
    assert 3 not in tokenizer.encode("a [SEP] fox", 12)[0][1:-1]


def test_a_long_text_is_read_until_the_rest_does_not_matter(tokenizer: ModelTokenizer) -> None:
    assert not tokenizer.is_enough(["a " * 6, "a " * MARGIN_TOKENS], 6)
    assert tokenizer.is_enough(["a " * 7, "a " * MARGIN_TOKENS], 6)


def test_its_vocabulary_is_counted_and_it_has_a_checksum(tokenizer: ModelTokenizer, tmp_path: Path) -> None:
    assert tokenizer.vocab_size == 9
    before = tokenizer.digest
    tokenizer.encode("a", 4)
    assert ModelTokenizer.open(tmp_path).digest == before
    write_tokenizer(tmp_path, [*TOKENS, "more"])
    assert ModelTokenizer.open(tmp_path).digest != before


def test_a_tokenizer_that_is_not_valid_or_has_no_room_is_refused(tokenizer: ModelTokenizer, tmp_path: Path) -> None:
    tokenizer.require_room(3)
    with pytest.raises(BadInput, match=r"spec\.data\.maxTokens: 2 leaves no room .* set it to at least 3"):
        tokenizer.require_room(2)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BadInput, match=r"spec\.model\.from: '.*tokenizer\.json' is not valid"):
        ModelTokenizer.open(tmp_path)
