"""Item sequences are cut from their ends into windows in which each next item is learned once."""

import numpy as np
import pytest

from llmtrain_trainer.data.item_dataset import Windows


def windows(lengths: list[int], length: int) -> Windows:
    tokens = np.arange(1, sum(lengths) + 1, dtype=np.uint16)
    return Windows.of(tokens, np.cumsum([0, *lengths]), length)


def test_the_windows_of_a_user_share_one_item_with_the_next() -> None:
    made = windows([1, 8, 2, 1], 3)
    assert [made.batch([number])[0].tolist() for number in range(len(made))] == [
        [2, 3],
        [3, 4, 5, 6],
        [6, 7, 8, 9],
        [10, 11],
    ]
    assert made.lengths([0, 1, 3]).tolist() == [2, 4, 2]
    assert made.batch([0, 1]).tolist() == [[2, 3, 0, 0], [3, 4, 5, 6]]


@pytest.mark.parametrize("length", [1, 2, 5, 100])
def test_each_item_but_the_first_of_a_user_is_learned_once(length: int) -> None:
    made = windows([3, 1, 12, 2, 7], length)
    learned = np.concatenate([made.batch([number])[0][1:] for number in range(len(made))])
    assert learned.tolist() == [token for token in range(1, 26) if token not in (1, 4, 5, 17, 19)]
    assert max(made.lengths(range(len(made)))) <= length + 1
