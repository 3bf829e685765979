"""Documents that are there twice: copies are left out or kept, and what nearly is a copy is left out.

A split leaves out copies: of the documents with one text, apart from the whitespace around it, it keeps the first.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.near_duplicates import find_near_duplicates
from llmtrain_trainer.data.split import (
    CUT,
    HELD_OUT,
    LEFT_OUT,
    TRAINING,
    Split,
    first_of_each_text,
    first_with_the_text,
)


def keep_copies(split: Split, documents: NDArray[np.void], held_out_documents: int = 0) -> Split:
    """Return a split that keeps copies, each where the first one with its text is, so that no text is on both sides.

    Left out are still copies of a document that is cut, and, if the first `held_out_documents` are held out by name, copies of
    these among the others.
    """
    fates = split.fates.copy()
    for numbers, firsts in first_with_the_text(documents):
        found = split.fates[firsts]
        elsewhere = (found == HELD_OUT) & (numbers >= (held_out_documents or len(documents)))
        left_out = (numbers != firsts) & (elsewhere | (found == CUT))
        fates[numbers] = np.where(left_out, LEFT_OUT, found)
    added = fates != split.fates
    training, held_out = (
        int(documents["size"].sum(where=added & (fates == fate), dtype=np.int64)) for fate in (TRAINING, HELD_OUT)
    )
    return replace(
        split,
        fates=fates,
        training_size=split.training_size + training,
        held_out_size=split.held_out_size + held_out,
        duplicates=split.duplicates - int(np.count_nonzero(added)),
    )


def leave_out_near_duplicates(documents: NDArray[np.void], signatures: NDArray[np.uint32]) -> int:
    """Set the size to 0, by which a document is left out, of each that nearly is an earlier one, and of its copies; return their number.

    `documents` (documents,) of type `DOCUMENT` are changed in memory; `signatures` are (documents, VALUES).
    """
    first = np.zeros(len(documents), dtype=bool)
    for numbers in first_of_each_text(documents):
        first[numbers] = True
    near = find_near_duplicates(signatures, np.flatnonzero(first))
    count = 0
    for numbers, firsts in first_with_the_text(documents):
        left_out = numbers[near[firsts]]
        documents["size"][left_out] = 0
        count += len(left_out)
    return count
