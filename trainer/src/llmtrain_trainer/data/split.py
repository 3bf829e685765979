"""The split into training text and held-out text: by size, and by the text alone.

Documents are taken in the order of the hashes of their texts, so names do not matter. Documents with one text, apart from
the whitespace around it, are one document: the first is kept.

Of the wanted share of all bytes, between a half and three halves are held out:

1. Documents that are not larger than the wanted share are held out as long as they fit in, but not many more of them than
   their share, so that a large document is not all that is trained on.
2. If that is not half of what is wanted, one more document is held out, or one alone, if that is within the bounds.
3. If there is none, the end of the largest document is held out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEFT_OUT, TRAINING, HELD_OUT, CUT = range(4)
"""What happens to a document. Of one that is cut, the beginning is trained on and the rest is held out."""
PARTITION_DOCUMENTS = 2**20
"""Documents whose hashes are in memory at a time."""
CLOSE_ENOUGH = 64
"""The choice ends when all but this fraction of the wanted bytes are held out."""
MAX_WINDOW_BYTES = 2**16
"""How far from the wanted place a document is cut at most, to find the end of a paragraph, line or word."""


class WantedCut(NamedTuple):
    """A document that is cut."""

    document: int
    """Its number."""
    size: int
    """Bytes at its end that are wanted for the held-out text."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """What happens to each document of a source."""

    fates: NDArray[np.uint8]
    """(documents,)"""
    training_size: int
    """Bytes."""
    held_out_size: int
    duplicates: int
    """Documents left out because an earlier one has the same text."""
    cuts: tuple[WantedCut, ...] = ()
    """The documents that are cut: none or one of each source."""


def split_documents(documents: NDArray[np.void], held_out_percent: int) -> Split:
    """Return the split of `documents` (documents,) of type `DOCUMENT`, which may be memory-mapped."""
    fates = np.zeros(len(documents), dtype=np.uint8)
    for numbers in first_of_each_text(documents):
        fates[numbers] = TRAINING
    kept = fates == TRAINING
    size = int(documents["size"].sum(where=kept))
    duplicates = int(np.count_nonzero(documents["size"])) - int(np.count_nonzero(kept))
    wanted = max(1, size * held_out_percent // 100)
    regular = int(documents["size"].sum(where=kept & (documents["size"] <= wanted)))
    held_out = 0
    number: int | None
    for number in _choose(documents, fates, min(wanted, regular * held_out_percent * 3 // 200)):
        fates[number] = HELD_OUT
        held_out += int(documents["size"][number])
    cuts: tuple[WantedCut, ...] = ()
    if held_out * 2 < wanted and (fates == TRAINING).any():
        rest = np.flatnonzero(fates == TRAINING)
        sizes = documents["size"][rest].astype(np.int64)
        if (number := _lowest_hash(documents, rest[_enough(held_out + sizes, wanted)])) is not None:
            fates[number] = HELD_OUT
        elif (number := _lowest_hash(documents, rest[_enough(sizes, wanted)])) is not None:
            fates[fates == HELD_OUT] = TRAINING
            fates[number] = HELD_OUT
        else:
            largest = _lowest_hash(documents, rest[sizes == sizes.max()])
            assert largest is not None, "some documents are left to train on"
            fates[largest] = CUT
            cuts = (WantedCut(largest, wanted - held_out),)
        held_out = int(documents["size"].sum(where=fates == HELD_OUT))
    held_out += sum(cut.size for cut in cuts)
    return Split(
        fates=fates,
        training_size=size - held_out,
        held_out_size=held_out,
        duplicates=duplicates,
        cuts=cuts,
    )


def cut_window(cut_size: int) -> int:
    """Return how many bytes from the wanted place a document can be cut of whose end `cut_size` bytes are wanted."""
    return min(MAX_WINDOW_BYTES, cut_size // 4)


def cut_place(text: bytes, wanted: int) -> int:
    """Return where to cut `text` in UTF-8: after the paragraph, line or word whose end is nearest to `wanted`.

    If there is none, it is the beginning of the character at `wanted`.
    """
    for separator in (b"\n\n", b"\n", b" "):
        found = (text.rfind(separator, 0, wanted), text.find(separator, max(0, wanted - len(separator) + 1)))
        places = [place + len(separator) for place in found if place >= 0]
        if places:
            return min(places, key=lambda place: abs(place - wanted))
    while 0 < wanted < len(text) and text[wanted] & 0xC0 == 0x80:
        wanted -= 1
    return wanted


def first_of_each_text(documents: NDArray[np.void]) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of the first document of each text, in the order of the hashes of the texts."""
    for numbers, firsts in first_with_the_text(documents):
        yield numbers[numbers == firsts]


def first_with_the_text(documents: NDArray[np.void]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the numbers of documents in the order of the hashes of their texts, and of the first one with the text of each."""
    for numbers in _partitions(documents):
        part = documents[numbers]
        order = np.lexsort((numbers, part["key_low"], part["key"]))
        sorted_part, numbers = part[order], numbers[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (sorted_part["key"][1:] != sorted_part["key"][:-1]) | (
            sorted_part["key_low"][1:] != sorted_part["key_low"][:-1]
        )
        yield numbers, numbers[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]


def _partitions(documents: NDArray[np.void]) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of documents with a size, those with the lowest hashes first."""
    bits = max(0, (len(documents) // PARTITION_DOCUMENTS).bit_length())
    for prefix in range(2**bits):
        chunks = []
        for start in range(0, len(documents), PARTITION_DOCUMENTS):
            chunk = documents[start : start + PARTITION_DOCUMENTS]
            here = chunk["size"] > 0
            if bits:
                here &= chunk["key"] >> np.uint64(64 - bits) == prefix
            chunks.append(np.flatnonzero(here) + start)
        if chunks:
            yield np.concatenate(chunks)


def _enough(sizes: NDArray[np.int64], wanted: int) -> NDArray[np.bool_]:
    """Return which sizes are within the bounds of what is wanted."""
    return (sizes * 2 >= wanted) & (sizes * 2 <= wanted * 3)


def _lowest_hash(documents: NDArray[np.void], numbers: NDArray[np.int64]) -> int | None:
    """Return the first of the documents in the order of their hashes; None if there is none."""
    return int(numbers[documents["key"][numbers].argmin()]) if numbers.size else None


def _choose(documents: NDArray[np.void], fates: NDArray[np.uint8], wanted: int) -> Iterator[int]:
    """Yield documents in the order of their hashes, each that still fits, until about `wanted` bytes are held out."""
    left = wanted
    for number, size in _in_hash_order(documents, fates):
        if size <= left:
            yield number
            left -= size
            if left * CLOSE_ENOUGH <= wanted:
                return


def _in_hash_order(documents: NDArray[np.void], fates: NDArray[np.uint8]) -> Iterable[tuple[int, int]]:
    for numbers in first_of_each_text(documents):
        kept = numbers[fates[numbers] != LEFT_OUT]
        yield from zip(kept.tolist(), documents["size"][kept].tolist(), strict=True)
