"""A permutation is a bijection of any size, and differs by seed and epoch."""

import pytest

from llmtrain_trainer.data.permutation import Permutation


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 255, 256, 257, 1000])
def test_every_sample_occurs_exactly_once(size: int) -> None:
    permutation = Permutation(seed=7, epoch=0, size=size)
    assert sorted(permutation(index) for index in range(size)) == list(range(size))


def test_samples_are_shuffled() -> None:
    permutation = Permutation(seed=7, epoch=0, size=1000)
    assert sum(permutation(index) == index for index in range(1000)) < 10


@pytest.mark.parametrize("other", [Permutation(seed=8, epoch=0, size=1000), Permutation(seed=7, epoch=1, size=1000)])
def test_another_seed_or_epoch_gives_another_order(other: Permutation) -> None:
    permutation = Permutation(seed=7, epoch=0, size=1000)
    assert sum(permutation(index) == other(index) for index in range(1000)) < 20


def test_the_order_is_the_same_on_every_machine_and_release() -> None:
    permutation = Permutation(seed=0, epoch=0, size=100)
    assert [permutation(index) for index in range(5)] == [36, 52, 69, 98, 86]


def test_an_index_out_of_range_is_rejected() -> None:
    with pytest.raises(IndexError, match="5 is not in"):
        Permutation(seed=0, epoch=0, size=5)(5)
