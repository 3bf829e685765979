"""Where a document that is cut in two is cut: near the wanted place, found by reading only the text around it."""

from collections.abc import Sequence

from llmtrain_trainer.data.shards import Cut, Shard
from llmtrain_trainer.data.split import WantedCut, cut_place, cut_window

MAX_CHARACTER_BYTES = 4
"""The longest character in UTF-8: its beginning has to be in the text around the wanted place."""


def find_cut(shards: Sequence[Shard], cut: WantedCut, document_size: int) -> Cut:
    """Return the cut of a document of `document_size` bytes."""
    window = cut_window(cut.size)
    wanted = document_size - cut.size
    low, high = max(0, wanted - max(window, MAX_CHARACTER_BYTES - 1)), wanted + max(window, 1)
    text = _text_between(_last_shard_before(shards, cut.document, low), cut.document, low, high)
    return Cut(document=cut.document, size=low + cut_place(text, wanted - low))


def _last_shard_before(shards: Sequence[Shard], document: int, low: int) -> Sequence[Shard]:
    """Return the shards from the last one that begins before the byte `low` of `document`."""
    begins = [
        number
        for number, shard in enumerate(shards)
        if shard.first_document < document
        or (shard.first_document == document and (shard.first_point is None or shard.first_point.size <= low))
    ]
    return shards[begins[-1] :]


def _text_between(shards: Sequence[Shard], document: int, low: int, high: int) -> bytes:
    """Return the bytes [low, high) of `document`, which is in `shards`."""
    found = b""
    for shard in shards:
        for number, position, piece in shard.pieces():
            if number > document or (number == document and position >= high):
                return found
            if number == document:
                encoded = piece.text.encode()
                found += encoded[max(0, low - position) : max(0, high - position)]
    return found
