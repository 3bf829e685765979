"""The split of records into those that are trained on and those held out: by number, and by the texts alone.

Records with one text, apart from the whitespace around it, are one record: the first is kept. So no text is on both sides,
and names and the order of files do not matter.
"""

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.split import HELD_OUT, LEFT_OUT, TRAINING, Split, first_of_each_text


def split_records(documents: NDArray[np.void], held_out_percent: int, held_out_documents: int = 0) -> Split:
    """Return the split of `documents` (documents,) of type `DOCUMENT`, which may be memory-mapped.

    The first `held_out_documents` are held out; if there are none, `held_out_percent` of all, in the order of the hashes of
    their texts. At least one is held out then, and one is left to train on if there are two.
    """
    fates = np.full(len(documents), LEFT_OUT, dtype=np.uint8)
    for numbers in first_of_each_text(documents):
        fates[numbers] = TRAINING
    kept = int(np.count_nonzero(fates))
    if held_out_documents:
        first = fates[:held_out_documents]
        first[first == TRAINING] = HELD_OUT
    else:
        wanted = min(max(1, (kept * held_out_percent + 50) // 100), kept - 1)
        for numbers in first_of_each_text(documents):
            fates[numbers[:wanted]] = HELD_OUT
            wanted -= min(wanted, len(numbers))
    sizes = documents["size"]
    return Split(
        fates=fates,
        training_size=int(sizes.sum(where=fates == TRAINING)),
        held_out_size=int(sizes.sum(where=fates == HELD_OUT)),
        duplicates=int(np.count_nonzero(sizes)) - kept,
    )
