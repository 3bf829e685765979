"""Words are split by the rules of a library, in the version that a tokenizer was made with."""

import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from nltk.tokenize import NLTKWordTokenizer
from spacy import blank
from tokenizers import Tokenizer

from llmtrain_trainer.data import word_splitter
from llmtrain_trainer.data.cached_encoding import CachedEncoding
from llmtrain_trainer.data.tokenizer import load_tokenizer, save_tokenizer, train_words, words_of
from llmtrain_trainer.data.word_splitter import LIBRARIES, installed_splitter, splitter_of
from llmtrain_trainer.errors import BadInput

TEXT = "He said \"don't\", it's Mr. O'Neil's U.S. car (3.5 km/h) for $4.20.\n\tSo he can't...\u00a0or  cannot?"


def numbers_of(tokenizer: Tokenizer, text: str) -> list[int]:
    return np.frombuffer(CachedEncoding(tokenizer=tokenizer, dtype=np.dtype("<u4")).encode(text), "<u4").tolist()


def test_words_are_those_of_the_library() -> None:
    lines = TEXT.splitlines()
    nltk = [line[start:stop] for line in lines for start, stop in NLTKWordTokenizer().span_tokenize(line)]
    assert installed_splitter("nltk").words(TEXT) == nltk
    assert {"do", "n't", '"', "can", "not"} <= set(nltk)
    spacy = [token.text for token in blank("en")(TEXT) if not token.is_space]
    assert installed_splitter("spacy").words(TEXT) == spacy
    assert {"Mr.", "n't", "$", "can", "not"} <= set(spacy)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "text", ["", " \n\t", "'" * 5000, "``''\"'` \"``", "a" * 5000 + " b", "\x00\u2028\ud7ff", "((" * 2000]
)
def test_no_character_of_any_text_is_lost_and_none_is_whitespace(library: str, text: str) -> None:
    words = installed_splitter(library).words(text)
    assert "".join(words) == "".join(text.split())
    assert all(len(word) <= word_splitter.MAX_WORD_CHARACTERS for word in words)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_saved_tokenizer_is_applied_with_the_splitter_of_its_words(library: str, tmp_path: Path) -> None:
    splitter = installed_splitter(library)
    save_tokenizer(train_words([TEXT, f"{TEXT} rare"], 2, splitter), tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert splitter_of(tokenizer) == splitter
    words = [word.lower() for word in splitter.words(TEXT)]
    assert set(words_of(tokenizer)) == set(words)
    assert [tokenizer.id_to_token(number) for number in numbers_of(tokenizer, TEXT)] == words
    assert numbers_of(tokenizer, "rare <|endoftext|>")[0] == 0
    other = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert other.encode(splitter.words(TEXT), is_pretokenized=True).ids == numbers_of(tokenizer, TEXT)


def test_a_library_that_is_missing_or_another_version_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = train_words([TEXT], 1, installed_splitter("nltk"))
    monkeypatch.setattr(metadata, "version", lambda name: "0.1")
    with pytest.raises(BadInput, match=r"words of nltk .*, but 0\.1 is installed.*run `pip install nltk==3"):
        numbers_of(tokenizer, "a")

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    for use in (lambda: numbers_of(tokenizer, "a"), lambda: installed_splitter("nltk")):
        with pytest.raises(BadInput, match=r"^spec\.data\.tokenizer\.kind: .* run `pip install nltk` there"):
            use()


def test_a_library_that_does_not_work_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    splitter = installed_splitter("nltk")
    word_splitter._loaded.cache_clear()
    monkeypatch.setitem(sys.modules, "nltk.tokenize", None)
    with pytest.raises(
        BadInput, match=r"^spec\.data\.tokenizer\.kind: the Python package nltk can't be imported .* set kind to words"
    ):
        splitter.words("a")


def test_words_of_llmtrain_have_no_splitter() -> None:
    assert splitter_of(train_words(["a a b"], 1)) is None
