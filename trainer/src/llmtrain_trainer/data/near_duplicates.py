"""Near duplicates by MinHash (Broder 1997) and banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).

A document is the set of its runs of `SHINGLE_WORDS` words, without case and punctuation. The share of equal values in the
signatures of two documents estimates the Jaccard similarity of their sets, with a standard deviation of at most 0.045. Only
documents with an equal band of values are compared: 95% of the pairs with similarity 0.8 have one, and 99.99% of those with 0.9.

A signature takes 512 bytes on the volume while the text is prepared, and the search about 40 bytes of memory, for each document.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHINGLE_WORDS = 3
BANDS, ROWS = 16, 8
VALUES = BANDS * ROWS
SIGNATURE_BYTES = 4 * VALUES
MIN_SIMILARITY = 0.8
"""Documents with at least this estimated similarity to an earlier one are near duplicates of it."""
SEED = 1
MAX_CENTRES = 8
"""Documents of a bucket with which the others in it are compared."""
COMPARED_AT_ONCE = 2**14
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""A word, or a character of Chinese or Japanese, which have no spaces between words."""
MIXED = 0x9E3779B97F4A7C15
"""An odd number, the multiplier of Fibonacci hashing (Knuth, volume 3, 6.4)."""


class Signature:
    """The MinHash signature of a document that comes in pieces, in memory for one of them."""

    def __init__(self) -> None:
        from rensa import RMinHash

        self._values = RMinHash(num_perm=VALUES, seed=SEED)
        self._words: list[str] = []
        """The last words, which begin shingles that the next piece ends."""
        self._is_empty = True

    def update(self, text: str) -> None:
        """Add the next piece of the text."""
        words = [*self._words, *WORD.findall(text.lower())]
        shingles = [" ".join(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1)]
        if shingles:
            self._values.update(shingles)
            self._is_empty = False
        self._words = words[max(0, len(words) - SHINGLE_WORDS + 1) :]

    def digest(self, key: bytes) -> bytes:
        """Return the signature, `SIGNATURE_BYTES`. That of a text without words is as unique as its hash `key`."""
        if self._is_empty:
            self._values.update([" ".join(self._words) or key.hex()])
        return np.array(self._values.digest(), dtype="<u4").tobytes()


def open_signatures(path: Path) -> NDArray[np.uint32]:
    """Return the signatures (documents, VALUES) in a file, memory-mapped."""
    return np.memmap(path, dtype="<u4", mode="r").reshape(-1, VALUES)


def find_near_duplicates(signatures: NDArray[np.uint32], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which documents (documents,) are nearly an earlier one, of those with `numbers` in ascending order.

    Those with an equal band are a bucket. They are compared with the first of the bucket, those that differ from it with the
    first of these, and so on for a few times. The result is a function of the signatures and their order alone.
    """
    near = np.zeros(len(signatures), dtype=bool)
    for band in range(BANDS):
        keys = _band_keys(signatures, numbers, band)
        order = np.argsort(keys, kind="stable")
        _compare_buckets(signatures, numbers[order], keys[order], near)
    return near


def _band_keys(signatures: NDArray[np.uint32], numbers: NDArray[np.int64], band: int) -> NDArray[np.uint64]:
    """Return a hash of a band of each document: equal bands have equal hashes."""
    keys = np.zeros(len(numbers), dtype=np.uint64)
    for start in range(0, len(numbers), COMPARED_AT_ONCE):
        part = signatures[numbers[start : start + COMPARED_AT_ONCE], band * ROWS : (band + 1) * ROWS]
        mixed = np.zeros(len(part), dtype=np.uint64)
        for row in range(ROWS):
            mixed = (mixed ^ part[:, row]) * np.uint64(MIXED)
            mixed ^= mixed >> np.uint64(32)
        keys[start : start + len(part)] = mixed
    return keys


def _compare_buckets(
    signatures: NDArray[np.uint32], numbers: NDArray[np.int64], keys: NDArray[np.uint64], near: NDArray[np.bool_]
) -> None:
    """Mark in `near` the documents that are similar to an earlier one with an equal key; keys and then numbers are in order."""
    for _ in range(MAX_CENTRES):
        if not len(numbers):
            return
        is_first = np.ones(len(keys), dtype=bool)
        is_first[1:] = keys[1:] != keys[:-1]
        centres = numbers[np.maximum.accumulate(np.where(is_first, np.arange(len(keys)), 0))]
        numbers, keys, centres = numbers[~is_first], keys[~is_first], centres[~is_first]
        similar = _are_similar(signatures, numbers, centres)
        near[numbers[similar]] = True
        numbers, keys = numbers[~similar], keys[~similar]


def _are_similar(
    signatures: NDArray[np.uint32], numbers: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return for each pair of documents whether their estimated similarity is enough (pairs,)."""
    similar = np.zeros(len(numbers), dtype=bool)
    for start in range(0, len(numbers), COMPARED_AT_ONCE):
        pairs = slice(start, start + COMPARED_AT_ONCE)
        equal = (signatures[numbers[pairs]] == signatures[others[pairs]]).sum(axis=1)
        similar[pairs] = equal >= MIN_SIMILARITY * VALUES
    return similar
