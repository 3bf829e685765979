"""Records are held out by the hashes of their texts; a text is never on both sides."""

import numpy as np
import pytest
from numpy.typing import NDArray

from llmtrain_trainer.data.scan import DOCUMENT
from llmtrain_trainer.data.split import HELD_OUT, LEFT_OUT, TRAINING
from llmtrain_trainer.data.split_records import split_records


def records(keys: list[int], size: int = 10) -> NDArray[np.void]:
    made = np.zeros(len(keys), dtype=DOCUMENT)
    made["key"], made["size"] = keys, size
    return made


@pytest.mark.parametrize(("count", "percent", "held_out"), [(1000, 5, 50), (1000, 50, 500), (10, 5, 1), (2, 50, 1)])
def test_a_percentage_of_the_records_is_held_out(count: int, percent: int, held_out: int) -> None:
    keys = np.random.default_rng(count).permutation(count).tolist()
    split = split_records(records(keys), percent)
    assert np.bincount(split.fates, minlength=3).tolist()[LEFT_OUT : HELD_OUT + 1] == [0, count - held_out, held_out]
    assert set(np.array(keys)[split.fates == HELD_OUT]) == set(range(held_out))
    assert (split.training_size, split.held_out_size) == ((count - held_out) * 10, held_out * 10)


def test_the_order_of_the_records_does_not_matter() -> None:
    made = records(list(range(0, 700, 7)))
    order = np.random.default_rng(1).permutation(len(made))
    assert (split_records(made[order], 20).fates == split_records(made, 20).fates[order]).all()


def test_copies_are_left_out_and_counted() -> None:
    split = split_records(records([5, 6, 5, 7, 6, 8]), 25)
    assert split.fates.tolist() == [HELD_OUT, TRAINING, LEFT_OUT, TRAINING, LEFT_OUT, TRAINING]
    assert split.duplicates == 2


def test_a_text_that_is_held_out_by_name_is_not_trained_on() -> None:
    split = split_records(records([1, 2, 1, 3, 2, 4]), 5, held_out_documents=3)
    assert split.fates.tolist() == [HELD_OUT, HELD_OUT, LEFT_OUT, TRAINING, LEFT_OUT, TRAINING]


def test_a_single_record_is_trained_on() -> None:
    assert split_records(records([9]), 50).fates.tolist() == [TRAINING]
