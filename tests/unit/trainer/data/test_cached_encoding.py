"""Text that is tokenized word by word has the tokens that the library makes of it."""

import random

import numpy as np
import pytest

from llmtrain_api.data import Tokenizer
from llmtrain_trainer.data import cached_encoding as module
from llmtrain_trainer.data.cached_encoding import CachedEncoding
from llmtrain_trainer.data.tokenizer import train_for, train_tokenizer
from unit.trainer.builders import VOCAB_SIZE, prose

ASCII = [chr(code) for code in range(128)]
OTHERS = (
    "éß漢字かな한абвاب١२۳²½Ⅷ🐢👨\u200d\u0301İ。、’“”…\x85\xa0\u1680\u180e\u2003\u2028\u202f\u3000\ufeff\u01c5\u02b0ªº"
)
WORDS = [
    "don't",
    "we'll",
    "I'VE",
    "x's",
    "  ",
    "\n\n",
    " \t",
    "a_b",
    "3.14",
    "<|endoftext|>",
    "é",
    "naïve",
    " “quoted” ",
    "'",
]


def random_text(randomly: random.Random) -> str:
    alphabet = randomly.choice([ASCII, [*"ab '\n\t!1"], [*"ab \n", *OTHERS], [*ASCII, *OTHERS], WORDS])
    text = "".join(randomly.choice(alphabet) for _ in range(randomly.randint(0, 80)))
    around = prose(randomly.randint(0, 200), seed=randomly.randint(0, 99))  # so that few characters are not ASCII
    return randomly.choice([text, f"{around}{text}{around}", f"{text} {around}"])


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "words"])
@pytest.mark.parametrize("seed", range(6))
def test_the_tokens_are_those_of_the_library(seed: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_WORDS", 50)
    randomly = random.Random(seed)
    texts = [prose(500), *(random_text(randomly) for _ in range(100))]
    settings = Tokenizer(kind=kind, vocab_size=600 if kind == "wordpiece" else VOCAB_SIZE, min_count=1)
    tokenizer = train_for(settings, texts, masks=False, ends_texts=False)
    encoding = CachedEncoding(tokenizer=tokenizer, dtype=np.dtype("<u2"))
    for _ in range(700):
        text = random_text(randomly)
        assert np.frombuffer(encoding.encode(text), dtype="<u2").tolist() == tokenizer.encode(text).ids, ascii(text)


@pytest.mark.parametrize("character", [*ASCII, *OTHERS])
def test_each_character_is_of_the_same_class_as_for_the_library(character: str) -> None:
    tokenizer = train_tokenizer([prose(500)], VOCAB_SIZE)
    encoding = CachedEncoding(tokenizer=tokenizer, dtype=np.dtype("<u2"))
    around = "x" * 60
    for text in (f"{around} a{character}b 1{character}2 {character} {character}{character}.{character}", character):
        assert np.frombuffer(encoding.encode(text), dtype="<u2").tolist() == tokenizer.encode(text).ids


def test_a_long_word_is_not_kept() -> None:
    encoding = CachedEncoding(tokenizer=train_tokenizer([prose(500)], VOCAB_SIZE), dtype=np.dtype("<u2"))
    encoding.encode("word " + "x" * 1000)
    assert set(encoding._cache) == {"word"}
