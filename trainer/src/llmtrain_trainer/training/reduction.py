"""From the microbatches of all ranks to the sum of their gradients.

`ExactSum` gives the same bits at any number of ranks. Each rank adds up the subtrees of tree.py that its
microbatches make; every rank gets its slice of all subtree sums, adds them in the tree's order, and gives the
result to the others. Where shares are whole subtrees, that moves as many bytes as a ring all-reduce.

`FastSum` adds in any order: what it gives differs by rounding when the number of ranks changes.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.partition import rank_range
from llmtrain_trainer.training.reduction_tree import Add, Leaf, Node, ReductionPlan, combine, cover, plan_reduction

Backward = Callable[[int], None]
"""Computes a microbatch and adds its gradients to those of the parameters."""


class Reduction(Protocol):
    """One way to add up."""

    def reduce(self, ranks: Collectives, backward: Backward) -> Tensor:
        """Return the gradients (elements,) of all microbatches, after `backward` on each of this rank's."""


def reduction(name: str, parameters: FlatParameters, microbatches: int) -> Reduction:
    """Return the way to add up that `spec.training.reduction` names."""
    return FastReduction(parameters, microbatches) if name == "Fast" else ExactReduction(parameters, microbatches)


class ExactReduction:
    """Adds in the order of the tree. Buffers are kept from step to step; making them anew costs page faults."""

    def __init__(self, parameters: FlatParameters, microbatches: int) -> None:
        self._parameters, self._microbatches = parameters, microbatches
        self._buffers: list[Tensor] = []
        self._received: list[Tensor] = []

    def reduce(self, ranks: Collectives, backward: Backward) -> Tensor:
        """Return the gradients (elements,) of all microbatches, the same bits at any number of ranks."""
        grown = plan_reduction(rank_range(self._microbatches, ranks.rank, ranks.size), self._microbatches)
        self._grow(grown, backward)
        if ranks.size == 1:
            return self._buffers[grown.sums[0][1]][: self._parameters.elements]
        return self._unite(ranks, [self._buffers[buffer] for _, buffer in grown.sums])

    def _grow(self, grown: ReductionPlan, backward: Backward) -> None:
        while len(self._buffers) < grown.buffers:
            self._buffers.append(self._parameters.gradient_buffer(self._microbatches))
        for operation in grown.operations:
            match operation:
                case Leaf(number, buffer, fresh):
                    if fresh:
                        self._buffers[buffer].zero_()
                    self._parameters.point_gradients_to(self._buffers[buffer])
                    backward(number)
                case Add(into, other):
                    self._buffers[into].add_(self._buffers[other])

    def _unite(self, ranks: Collectives, sums: list[Tensor]) -> Tensor:
        """Exchange slices of the sums, add them up, gather the slices. The first buffer holds the result."""
        count, size = self._microbatches, ranks.size
        slice_size = -(-self._parameters.elements // size)
        covers = [cover(rank_range(count, rank, size), count) for rank in range(size)]
        slices: dict[Node, Tensor] = {}
        for turn in range(max(map(len, covers))):
            givers = [nodes[turn] if turn < len(nodes) else None for nodes in covers]
            received = self._receive_buffer(turn, slice_size * sum(node is not None for node in givers))
            mine = sums[turn][: slice_size * size] if turn < len(sums) else received.new_empty(0)
            ranks.all_to_all(
                received,
                mine,
                [slice_size if node else 0 for node in givers],
                [slice_size if turn < len(sums) else 0] * size,
            )
            there = [node for node in givers if node is not None]
            slices |= dict(zip(there, torch.split(received, slice_size), strict=True))
        whole = self._buffers[0][: slice_size * size]
        ranks.all_gather(whole, combine(slices, count))
        return whole[: self._parameters.elements]

    def _receive_buffer(self, turn: int, elements: int) -> Tensor:
        if turn == len(self._received):
            self._received.append(self._parameters.weights.new_empty(0))
        if self._received[turn].numel() < elements:
            self._received[turn] = self._parameters.weights.new_empty(elements)
        return self._received[turn][:elements]


class FastReduction:
    """Adds as the microbatches come, then over the ranks in any order."""

    def __init__(self, parameters: FlatParameters, microbatches: int) -> None:
        self._parameters, self._microbatches = parameters, microbatches
        self._buffer: Tensor | None = None

    def reduce(self, ranks: Collectives, backward: Backward) -> Tensor:
        """Return the gradients (elements,) of all microbatches."""
        if self._buffer is None:
            self._buffer = self._parameters.gradient_buffer()
        with torch.no_grad():
            self._buffer.zero_()
        self._parameters.point_gradients_to(self._buffer)
        for number in rank_range(self._microbatches, ranks.rank, ranks.size):
            backward(number)
        ranks.all_reduce(self._buffer)
        return self._buffer
