"""Documents that are nearly the same are found, whatever they are in between, and no others."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from llmtrain_trainer.data.near_duplicates import (
    BANDS,
    MIN_SIMILARITY,
    ROWS,
    SIGNATURE_BYTES,
    VALUES,
    Signature,
    find_near_duplicates,
)


def signature(*pieces: str, key: bytes = b"key") -> NDArray[np.uint32]:
    made = Signature()
    for piece in pieces:
        made.update(piece)
    digest = made.digest(key)
    assert len(digest) == SIGNATURE_BYTES
    return np.frombuffer(digest, dtype="<u4")


def words(count: int, seed: int) -> list[str]:
    randomly = random.Random(seed)
    return ["".join(randomly.choices("abcdefghij", k=5)) for _ in range(count)]


def found(texts: list[str]) -> list[int]:
    signatures = np.stack([signature(text, key=str(number).encode()) for number, text in enumerate(texts)])
    return np.flatnonzero(find_near_duplicates(signatures, np.arange(len(texts)))).tolist()


def test_the_values_of_a_text_are_those_of_earlier_versions() -> None:
    """If this fails, datasets of one id can differ: raise FORMAT in stages/shapes.py."""
    values = signature("the quick brown fox jumps over the lazy dog")
    assert values[:4].tolist() == [3404766237, 3232729786, 3394313050, 3248994886]


def test_a_document_in_pieces_has_the_signature_of_the_whole() -> None:
    text = words(50, seed=1)
    parts = [" ".join(text[:20]), " ", " ".join(text[20:21]), "\n" + " ".join(text[21:])]
    assert (signature(*parts) == signature("".join(parts))).all()
    assert (signature("One", " two.") == signature("one two")).all()


def test_equal_values_estimate_the_similarity() -> None:
    text = words(1000, seed=2)
    other = [*text[:900], *words(100, seed=3)]
    shingles = [{tuple(each[start : start + 3]) for start in range(len(each) - 2)} for each in (text, other)]
    similarity = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    estimate = (signature(" ".join(text)) == signature(" ".join(other))).mean()
    assert abs(estimate - similarity) < 0.1
    assert abs(similarity - 0.81) < 0.02


def test_what_differs_in_a_few_words_or_in_punctuation_is_left_out_and_the_first_is_kept() -> None:
    text = words(100, seed=4)
    changed = [*text[:50], "another", *text[51:]]
    half = [*text[:50], *words(50, seed=5)]
    texts = [half, text, changed, [word.upper() + "," for word in text], words(100, seed=6)]
    assert found([" ".join(each) for each in texts]) == [2, 3]


def test_what_is_similar_to_no_more_than_the_first_of_its_bucket_is_found_by_the_next() -> None:
    """Two families share a band with each other; each keeps its first document."""
    randomly = np.random.default_rng(7)
    family, other = randomly.integers(0, 2**32, (2, VALUES), dtype=np.uint32)
    other[:ROWS] = family[:ROWS]
    signatures = np.stack([family, other, family, other, other])
    for values in signatures[2:]:
        values[ROWS : ROWS + 8] = randomly.integers(0, 2**32, 8, dtype=np.uint32)
        values[2 * ROWS :: ROWS] = randomly.integers(0, 2**32, BANDS - 2, dtype=np.uint32)  # no other band is equal
    assert (signatures[3] == other).mean() >= MIN_SIMILARITY
    assert np.flatnonzero(find_near_duplicates(signatures, np.arange(5))).tolist() == [2, 3, 4]


def test_only_the_given_documents_are_compared() -> None:
    signatures = np.stack([signature(" ".join(words(30, seed=8)))] * 3)
    assert find_near_duplicates(signatures, np.array([0, 2])).tolist() == [False, False, True]


@pytest.mark.parametrize("text", ["", "?!", "...\n"])
def test_texts_without_words_are_no_near_duplicates(text: str) -> None:
    assert found([text, text, "!"]) == []


def test_texts_without_spaces_are_compared_by_character() -> None:
    text = "".join(random.Random(9).choices([chr(code) for code in range(0x4E00, 0x4F00)], k=200))
    assert found([text, text[:100] + text[101:]]) == [1]
