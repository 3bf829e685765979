"""The split of a source that has been scanned: what happens to each document, copies and near duplicates included.

Each source of a mixture has its own share of held-out documents. Copies are left out before, so that no text of two sources is
on both sides: it belongs to the first of them.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.copies import keep_copies, leave_out_near_duplicates
from llmtrain_trainer.data.near_duplicates import open_signatures
from llmtrain_trainer.data.scan import DOCUMENT
from llmtrain_trainer.data.shape import SampleShape
from llmtrain_trainer.data.split import Split, WantedCut, first_of_each_text
from llmtrain_trainer.data.written_files import READ_BYTES, write_unless_there


class SourceSplit(NamedTuple):
    """The documents of a source, and what happens to each."""

    documents: NDArray[np.void]
    """(documents,) of type `DOCUMENT`, memory-mapped."""
    split: Split
    near_duplicates: int
    """Documents left out because an earlier one is nearly the same."""


def split_source(
    shape: SampleShape,
    directory: Path,
    units: int,
    *,
    held_out_documents: int,
    duplicates: Literal["Keep", "Drop", "DropNear"],
    mixed: Sequence[int] = (),
) -> SourceSplit:
    """Return the split of the source whose `units` were scanned in `directory`, of which the first documents may be held out.

    `mixed` has the number of documents of each source of a mixture.
    """
    path, near = _joined(directory, units, "documents"), 0
    documents = np.memmap(path, dtype=DOCUMENT, mode="c")
    if duplicates == "DropNear":
        near = leave_out_near_duplicates(documents, open_signatures(_joined(directory, units, "signatures")))
    if mixed and not held_out_documents:
        changed = np.memmap(path, dtype=DOCUMENT, mode="c") if duplicates == "Keep" else documents
        split = split_each(shape, changed, mixed)
    else:
        split = shape.split(documents, held_out_documents)
    if duplicates == "Keep":
        split = keep_copies(split, documents, held_out_documents)
    return SourceSplit(documents, split, near)


def split_each(shape: SampleShape, documents: NDArray[np.void], mixed: Sequence[int]) -> Split:
    """Return the split of each of several sources, together. The sizes of copies in `documents` are set to 0."""
    is_first = np.zeros(len(documents), dtype=bool)
    for numbers in first_of_each_text(documents):
        is_first[numbers] = True
    duplicates = int(np.count_nonzero(documents["size"])) - int(np.count_nonzero(is_first))
    documents["size"][~is_first] = 0
    firsts = [*accumulate(mixed, initial=0)]
    splits = [shape.split(documents[first : first + count], 0) for first, count in zip(firsts, mixed, strict=False)]
    return Split(
        fates=np.concatenate([split.fates for split in splits]),
        training_size=sum(split.training_size for split in splits),
        held_out_size=sum(split.held_out_size for split in splits),
        duplicates=duplicates,
        cuts=tuple(
            WantedCut(first + cut.document, cut.size)
            for first, split in zip(firsts, splits, strict=False)
            for cut in split.cuts
        ),
    )


def _joined(directory: Path, units: int, kind: str) -> Path:
    """Return a file with what the scans of all units wrote of a `kind`. Other pods map it: it is not replaced by itself."""

    def pieces() -> Iterator[bytes]:
        for number in range(units):
            with (directory / f"scan-{number:05}.{kind}").open("rb") as part:
                while piece := part.read(READ_BYTES):
                    yield piece

    write_unless_there(pieces, directory / kind)
    return directory / kind
