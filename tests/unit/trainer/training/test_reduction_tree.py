"""Sums have the same bits however the leaves are distributed over ranks."""

import pytest
import torch
from torch import Tensor

from llmtrain_trainer.training.reduction_tree import Add, Leaf, Node, combine, cover, plan_reduction, rank_range

COUNTS = [*range(1, 34), 48, 63, 64, 100, 255, 256, 257, 511, 512]


@pytest.mark.parametrize("microbatches", [1, 3, 8, 13])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
def test_every_microbatch_belongs_to_one_rank(microbatches: int, ranks: int) -> None:
    ranges = [rank_range(microbatches, rank, ranks) for rank in range(ranks)]
    assert [number for each in ranges for number in each] == list(range(microbatches))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


def reference(leaves: list[Tensor]) -> Tensor:
    """Return the sum by an equivalent definition: add neighbours until one is left; an odd last one waits."""
    while len(leaves) > 1:
        pairs = [leaves[i] + leaves[i + 1] for i in range(0, len(leaves) - 1, 2)]
        leaves = pairs + leaves[len(pairs) * 2 :]
    return leaves[0]


def leaves_of(node: Node, count: int) -> range:
    return range(node.start, min(node.start + node.width, count))


def run_plan(leaves: list[Tensor], own: range) -> dict[Node, Tensor]:
    """Return the sums that a rank computes from its range of leaves."""
    plan = plan_reduction(own, len(leaves))
    buffers = [torch.full_like(leaves[0], float("nan")) for _ in range(plan.buffers)]
    for operation in plan.operations:
        match operation:
            case Leaf(number, buffer, overwrite):
                buffers[buffer] = leaves[number].clone() if overwrite else buffers[buffer] + leaves[number]
            case Add(into, other):
                buffers[into] = buffers[into] + buffers[other]
    return {node: buffers[buffer] for node, buffer in plan.sums}


@pytest.mark.parametrize("count", COUNTS)
def test_covers_contain_every_leaf_once_for_any_number_of_ranks(count: int) -> None:
    for ranks in range(1, count + 1):
        nodes = [node for rank in range(ranks) for node in cover(rank_range(count, rank, ranks), count)]
        assert [leaf for node in nodes for leaf in leaves_of(node, count)] == list(range(count))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 12, 13, 16, 31])
def test_the_sum_has_the_same_bits_for_any_number_of_ranks(count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    leaves = [torch.randn(64, generator=generator) * 10.0 ** (i % 7 - 3) for i in range(count)]
    expected = reference(leaves)
    for ranks in range(1, count + 1):
        sums: dict[Node, Tensor] = {}
        for rank in range(ranks):
            sums |= run_plan(leaves, rank_range(count, rank, ranks))
        assert torch.equal(combine(sums, count), expected), ranks


@pytest.mark.parametrize("count", COUNTS)
def test_buffers_are_few(count: int) -> None:
    for ranks in {1, 2, 3, count // 2 or 1, count}:
        for rank in range(ranks):
            plan = plan_reduction(rank_range(count, rank, ranks), count)
            assert plan.buffers <= len(plan.sums) + count.bit_length()


def test_equal_ranges_of_a_power_of_two_are_one_sum_each() -> None:
    assert [len(cover(rank_range(8, rank, 4), 8)) for rank in range(4)] == [1, 1, 1, 1]
