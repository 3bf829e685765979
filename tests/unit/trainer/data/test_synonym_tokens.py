"""Synonyms have the tokens that they would have in a text, with every kind of tokenizer."""

import numpy as np
import pytest
from tokenizers import Tokenizer

from llmtrain_trainer.data.lexicon import Lexicon
from llmtrain_trainer.data.synonym_tokens import SynonymTokens
from llmtrain_trainer.data.word_starts import Unit, WordStarts
from unit.trainer.data.texts_of_words import TEXT, TOKENIZERS

SYNONYMS = {
    "good": ("fine", "very nice"),
    "film": ("movie",),
    "café": ("bar",),
    "it": ("qqq",),
    "was": (),
    "zebra": ("a",),
}
LEXICON = Lexicon(synonyms=SYNONYMS, digest="")


def units_of(tokenizer: Tokenizer) -> dict[str, Unit]:
    """Return the words of the text; of those that are there twice the first one."""
    units = WordStarts.of(tokenizer).units(np.array(tokenizer.encode(TEXT).ids))
    return {tokenizer.decode(list(unit.tokens)).strip().lower(): unit for unit in reversed(units) if unit.is_word}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_synonym_stands_in_the_place_of_a_word(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    synonyms, units = SynonymTokens(tokenizer, LEXICON), units_of(tokenizer)
    for word, synonym in (("film", "movie"), ("café", "bar")):
        (tokens,) = synonyms.replacing(units[word])
        whole = tokenizer.encode(f"a {word} a", add_special_tokens=False).ids
        expected = tokenizer.encode(f"a {synonym} a", add_special_tokens=False).ids
        start = next(
            place
            for place in range(len(whole))
            if tuple(whole[place:][: len(units[word].tokens)]) == units[word].tokens
        )
        assert [*whole[:start], *tokens, *whole[start + len(units[word].tokens) :]] == expected
    assert synonyms.replacing(units["was"]) == ()
    assert synonyms.replacing(units["fine"]) == ()


@pytest.mark.parametrize("name", ["bpe", "small bpe", "metaspace"])
def test_the_first_word_keeps_its_capital_letter_and_its_place(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    good = units_of(tokenizer)["good"]
    found = [tokenizer.decode(list(tokens)) for tokens in SynonymTokens(tokenizer, LEXICON).replacing(good)]
    assert found == (["Fine", "Very nice"] if name != "metaspace" else found)
    inserted = SynonymTokens(tokenizer, LEXICON).inserted(good)
    before = tokenizer.encode("a", add_special_tokens=False).ids
    assert [tokenizer.decode([*before, *tokens]) for tokens in inserted] == ["a fine", "a very nice"]


def test_a_synonym_that_the_tokenizer_does_not_know_is_left_out() -> None:
    tokenizer = TOKENIZERS["words"]()
    synonyms = SynonymTokens(tokenizer, LEXICON)
    assert synonyms.replacing(units_of(tokenizer)["it"]) == []
    assert synonyms.inserted(units_of(tokenizer)["it"]) == []


def test_words_of_the_lexicon_are_found_and_counted() -> None:
    tokenizer = TOKENIZERS["bpe"]()
    synonyms, units = SynonymTokens(tokenizer, LEXICON), units_of(tokenizer)
    assert synonyms.words == 5
    assert synonyms.word(units["good"].tokens) == "good"
    assert synonyms.word(units["was"].tokens) is None
    assert synonyms.word(units["fine"].tokens) is None


def test_accents_are_read_as_the_tokenizer_reads_them() -> None:
    from tokenizers import normalizers

    tokenizer = TOKENIZERS["words"]()
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    lexicon = Lexicon(synonyms={"fïne": ("nice",)}, digest="")
    fine = Unit((tokenizer.token_to_id("fine"),), is_word=True, is_spaced=True)
    assert SynonymTokens(tokenizer, lexicon).replacing(fine) == [(tokenizer.token_to_id("nice"),)]
