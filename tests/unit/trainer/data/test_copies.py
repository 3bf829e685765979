"""Copies are kept where the first one is; near duplicates are left out with their copies."""

import numpy as np
import pytest
from numpy.typing import NDArray

from llmtrain_trainer.data.copies import keep_copies, leave_out_near_duplicates
from llmtrain_trainer.data.near_duplicates import VALUES
from llmtrain_trainer.data.scan import DOCUMENT
from llmtrain_trainer.data.split import CUT, HELD_OUT, LEFT_OUT, TRAINING, split_documents
from llmtrain_trainer.data.split_records import split_records


def documents(keys: list[int], sizes: list[int] | None = None) -> NDArray[np.void]:
    made = np.zeros(len(keys), dtype=DOCUMENT)
    made["key"], made["size"] = keys, sizes or 10
    return made


def test_copies_are_on_the_side_of_the_first() -> None:
    made = documents([5, 6, 5, 7, 6, 8, 6])
    split = keep_copies(split_records(made, 25), made)
    assert split.fates.tolist() == [HELD_OUT, TRAINING, HELD_OUT, TRAINING, TRAINING, TRAINING, TRAINING]
    assert (split.training_size, split.held_out_size, split.duplicates) == (50, 20, 0)


def test_copies_of_what_is_held_out_by_name_are_not_trained_on() -> None:
    made = documents([1, 1, 2, 3, 1, 3])
    split = keep_copies(split_records(made, 5, held_out_documents=3), made, held_out_documents=3)
    assert split.fates.tolist() == [HELD_OUT, HELD_OUT, HELD_OUT, TRAINING, LEFT_OUT, TRAINING]
    assert (split.training_size, split.held_out_size, split.duplicates) == (20, 30, 1)


def test_of_a_document_that_is_cut_one_is_kept() -> None:
    made = documents([1, 1, 2, 2], sizes=[10**6, 10**6, 10, 10])
    split = keep_copies(split_documents(made, 10), made)
    assert split.fates[:2].tolist() == [CUT, LEFT_OUT]
    assert (split.training_size + split.held_out_size, split.duplicates) == (10**6 + 20, 1)


def test_nothing_is_kept_that_has_no_text() -> None:
    made = documents([1, 1, 2, 3], sizes=[0, 0, 5, 5])
    assert keep_copies(split_records(made, 50), made).fates[:2].tolist() == [LEFT_OUT, LEFT_OUT]


@pytest.mark.parametrize(("keys", "left"), [([1, 2, 3, 2], [10, 0, 10, 0]), ([2, 1, 3, 2], [10, 0, 10, 10])])
def test_a_near_duplicate_is_left_out_with_its_copies(keys: list[int], left: list[int]) -> None:
    made = documents(keys)
    signatures = np.random.default_rng(1).integers(0, 2**32, (4, VALUES), dtype=np.uint32)
    signatures[1] = signatures[0]
    assert leave_out_near_duplicates(made, signatures) == left.count(0)
    assert made["size"].tolist() == left
