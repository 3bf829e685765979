"""One row of numbers for each sample, filled by all ranks together and merged by addition."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SampleTable:
    """A row of numbers for each sample, by the sample's number: 8 bytes for a number, and 8 for a row."""

    def __init__(self, *, samples: int, columns: int) -> None:
        self.numbers: NDArray[np.float64] = np.zeros((samples, columns + 1))
        """All rows, and in a last column how often each was filled. The tables of several ranks are merged by adding
        these arrays in any order: no addition rounds, because all but one of the numbers in a slot are zero."""

    def set_rows(self, sample_numbers: ArrayLike, rows_BC: NDArray[np.float64]) -> None:
        """Set the rows of a batch of samples. IndexError for a sample number that the table does not have."""
        numbers = np.asarray(sample_numbers, dtype=np.int64)
        if numbers.size and numbers.min() < 0:
            raise IndexError(f"{numbers.min()} is not the number of a sample")
        # Adding zero turns a negative zero into the positive one that it becomes when tables are merged.
        self.numbers[numbers, :-1] = rows_BC + 0.0
        self.numbers[numbers, -1] = 1

    def rows(self) -> NDArray[np.float64]:
        """Return the rows (samples, columns). ValueError if one is missing, or was filled by two ranks."""
        filled = self.numbers[:, -1]
        (wrong,) = np.nonzero(filled != 1)
        if wrong.size:
            raise ValueError(
                f"sample {wrong[0]} was evaluated by {filled[wrong[0]]:.0f} ranks: evaluate each sample on exactly one"
            )
        return self.numbers[:, :-1]
