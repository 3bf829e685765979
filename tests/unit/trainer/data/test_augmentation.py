"""Operations change a share of the words of a sample, as a function of the sample and a key."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from llmtrain_trainer.data.augmentation import Augmentation, Draws, Text, TokenIds, drop, insert, replace, swap
from llmtrain_trainer.data.word_starts import FIXED, MARK, WORD, Unit, WordStarts

FIRST_WORD, LAST_WORD = 10, 99
"""Tokens that are words with a space; 1 is a special token, 2 a mark, and 3 a word without a space."""
STARTS = WordStarts(
    first=np.array([0, FIXED, MARK, *[WORD] * 97], dtype=np.int8),
    last=np.array([0, FIXED, MARK, *[WORD] * 97], dtype=np.int8),
    is_spaced=np.array([False] * FIRST_WORD + [True] * 90),
)


class NextToken:
    """The synonym of an even word is the token after it."""

    def replacing(self, word: Unit) -> Sequence[TokenIds]:
        (token,) = word.tokens
        return () if token % 2 else ((token + 1,), (token + 1, token + 1))

    inserted = replacing


def sample(words: int) -> "np.ndarray[tuple[int], np.dtype[np.uint16]]":
    """Return a special token, a word without a space, words, a mark and a special token."""
    return np.array([1, 3, *range(FIRST_WORD, FIRST_WORD + words - 1), 2, 1], dtype=np.uint16)


def text_of(words: int, synonyms: NextToken | None = None) -> Text:
    return Text.of(STARTS.units(sample(words)), synonyms)


def flat(pieces: list[TokenIds]) -> list[int]:
    return [token for piece in pieces for token in piece]


def augmentation(fraction: str = "0.2", max_tokens: int = 512, synonyms: NextToken | None = None) -> Augmentation:
    return Augmentation(fraction=Fraction(fraction), word_starts=STARTS, max_tokens=max_tokens, synonyms=synonyms)


def test_drop_leaves_out_words_in_their_order() -> None:
    before = sample(10).tolist()
    after = flat(drop(text_of(10), Draws("key"), 3))
    assert len(after) == len(before) - 3
    assert after == [token for token in before if token in after]
    assert {1, 2} <= set(after)


def test_drop_keeps_one_word() -> None:
    assert len(flat(drop(text_of(2), Draws("key"), 2))) == len(sample(2)) - 1


def test_swap_exchanges_words_that_have_a_space() -> None:
    before, after = sample(10).tolist(), flat(swap(text_of(10), Draws("key"), 1))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2
    assert sorted(before) == sorted(after)
    for key in range(50):
        assert flat(swap(text_of(10), Draws(str(key)), 4))[:2] == [1, 3]


def test_insert_copies_words_without_a_lexicon() -> None:
    before, after = Counter(sample(10).tolist()), Counter(flat(insert(text_of(10), Draws("key"), 3)))
    assert sum((after - before).values()) == 3
    assert min(after - before) >= FIRST_WORD, "a word with a space"


def test_insert_takes_synonyms_with_a_lexicon() -> None:
    after = flat(insert(text_of(10, NextToken()), Draws("key"), 3))
    rest = iter(after)
    assert all(token in rest for token in sample(10).tolist()), "the words are there, in their order"
    assert 3 <= len(after) - len(sample(10)) <= 6
    assert after[0] == after[-1] == 1


def test_replace_changes_words_that_have_synonyms() -> None:
    text = text_of(10, NextToken())
    assert sorted(text.replaceable) == [2, 4, 6, 8, 10]
    after = replace(text, Draws("key"), 2)
    assert sum(piece != before for piece, before in zip(after, text.pieces, strict=True)) == 2
    assert len(replace(text, Draws("key"), 100)) == len(text.pieces)


@pytest.mark.parametrize(
    ("words", "fraction", "changed"),
    [(3, "0.1", 1), (10, "0.1", 1), (20, "0.1", 2), (50, "0.5", 25), (100, "0.29", 29)],
)
def test_the_share_of_words_is_changed_but_at_least_one(words: int, fraction: str, changed: int) -> None:
    tokens = np.array([FIRST_WORD + number % 80 for number in range(words)], dtype=np.uint16)
    lengths = {len(augmentation(fraction).apply(tokens, str(key))) - words for key in range(40)}
    assert lengths == {-changed, 0, changed}, "dropped, swapped, inserted"


def test_it_is_a_function_of_the_sample_and_the_key() -> None:
    one, other = augmentation(synonyms=NextToken()), augmentation(synonyms=NextToken())
    results = [one.apply(sample(30), f"0/{epoch}/7") for epoch in range(20)]
    for epoch in reversed(range(20)):
        assert np.array_equal(other.apply(sample(30), f"0/{epoch}/7"), results[epoch])
    assert len({result.tobytes() for result in results}) > 15
    assert {result.dtype for result in results} == {np.dtype(np.uint16)}


def test_bits_are_those_of_earlier_versions() -> None:
    draws = Draws("augment/0/1/2")
    assert [draws.below(1000) for _ in range(5)] == [765, 647, 651, 335, 919]
    assert augmentation().apply(sample(10), "augment/0/1/2").tolist() == [
        1,
        3,
        10,
        11,
        12,
        13,
        14,
        10,
        15,
        16,
        17,
        18,
        16,
        2,
        1,
    ]


def test_a_sample_is_not_longer_than_the_model_allows_and_keeps_its_end() -> None:
    longest = augmentation("0.5", max_tokens=len(sample(10)), synonyms=NextToken())
    results = [longest.apply(sample(10), str(key)).tolist() for key in range(100)]
    assert max(map(len, results)) == len(sample(10))
    assert all(result[0] == result[-1] == 1 for result in results)


@pytest.mark.parametrize("tokens", [[], [1, 1], [1, 2, 2, 1], [3]], ids=["none", "special ones", "marks", "one word"])
def test_a_sample_without_words_to_change_stays_as_it_is(tokens: list[int]) -> None:
    before = np.array(tokens, dtype=np.uint16)
    assert np.array_equal(augmentation().apply(before, "key"), before)


def test_every_operation_is_drawn() -> None:
    counts: Counter[str] = Counter()
    before = sample(10).tolist()
    for key in range(400):
        after = augmentation("0.1", synonyms=NextToken()).apply(sample(10), str(key)).tolist()
        if len(after) < len(before):
            counts["drop"] += 1
        elif sorted(after) == sorted(before):
            counts["swap"] += 1
        elif set(before) <= set(after):
            counts["insert"] += 1
        else:
            counts["replace"] += 1
    assert min(counts.values()) > 60
    assert len(counts) == 4
