"""A table is complete when each sample was evaluated on exactly one rank."""

import numpy as np
import pytest
import torch

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.metrics.sample_table import SampleTable
from llmtrain_trainer.training.reduction_tree import rank_range
from unit.trainer.thread_collectives import run_ranks


def test_rows_are_in_the_order_of_the_samples() -> None:
    table = SampleTable(samples=3, columns=2)
    table.set_rows([2, 0], np.array([[5.0, 6.0], [1.0, 2.0]]))
    table.set_rows([1], np.array([[3.0, 4.0]]))
    assert table.rows().tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_ranks_merge_their_tables_by_an_all_reduce(size: int) -> None:
    samples = np.random.default_rng(0).normal(size=(10, 2))

    def evaluate(ranks: Collectives) -> bytes:
        table = SampleTable(samples=10, columns=2)
        own = rank_range(10, ranks.rank, ranks.size)
        table.set_rows(own, samples[own])
        ranks.all_reduce(torch.from_numpy(table.numbers))
        return table.rows().tobytes()

    assert run_ranks(size, evaluate) == [samples.tobytes()] * size


def test_a_negative_zero_is_the_same_bits_on_one_rank_as_on_two() -> None:
    table = SampleTable(samples=1, columns=1)
    table.set_rows([0], np.array([[-0.0]]))
    before = table.rows().tobytes()
    table.numbers += SampleTable(samples=1, columns=1).numbers
    assert table.rows().tobytes() == before


def test_a_batch_that_is_evaluated_again_on_the_same_rank_counts_once() -> None:
    table = SampleTable(samples=1, columns=1)
    table.set_rows([0], np.array([[7.0]]))
    table.set_rows([0], np.array([[7.0]]))
    assert table.rows().tolist() == [[7]]


def test_a_missing_sample_is_named() -> None:
    table = SampleTable(samples=2, columns=1)
    table.set_rows([0], np.array([[1.0]]))
    with pytest.raises(ValueError, match="sample 1 was evaluated by 0 ranks"):
        table.rows()


def test_a_sample_of_two_ranks_is_named() -> None:
    one, other = SampleTable(samples=2, columns=1), SampleTable(samples=2, columns=1)
    one.set_rows([0, 1], np.array([[1.0], [1.0]]))
    other.set_rows([1], np.array([[1.0]]))
    one.numbers += other.numbers
    with pytest.raises(ValueError, match="sample 1 was evaluated by 2 ranks"):
        one.rows()


@pytest.mark.parametrize("number", [-1, 2])
def test_a_sample_that_the_table_does_not_have_is_refused(number: int) -> None:
    with pytest.raises(IndexError, match=str(number)):
        SampleTable(samples=2, columns=1).set_rows([number], np.array([[1.0]]))
