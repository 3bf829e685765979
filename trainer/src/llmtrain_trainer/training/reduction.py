"""The sum of the gradients of all microbatches, over all ranks.

`ExactReduction` gives the same bits at any number of ranks. Each rank adds up the subtrees of reduction_tree.py that
its microbatches cover. It then receives its slice of all subtree sums, adds them in the order of the tree, and
all-gathers the result. If every rank's range is a whole subtree, this moves as many bytes as a ring all-reduce.

`FastReduction` adds in any order: its result differs by rounding when the number of ranks changes.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.reduction_tree import (
    Add,
    Leaf,
    Node,
    ReductionPlan,
    combine,
    cover,
    plan_reduction,
    rank_range,
)

Backward = Callable[[int], None]
"""Computes a microbatch and adds its gradients to those of the parameters."""


class Reduction(Protocol):
    """A way to sum gradients."""

    def reduce(self, ranks: Collectives, backward: Backward) -> Tensor:
        """Call `backward` for each microbatch of this rank; return the summed gradients (elements,) of all ranks."""

    def discard_buffers(self) -> None:
        """Use new buffers from now on: bytes of a generation that has ended can still arrive in the present ones."""


def reduction(name: str, parameters: FlatParameters, microbatches: int) -> Reduction:
    """Return the reduction that `spec.training.reduction` names."""
    return FastReduction(parameters, microbatches) if name == "Fast" else ExactReduction(parameters, microbatches)


class ExactReduction:
    """Adds in the order of the tree. Buffers are kept from step to step, because new ones cost page faults."""

    def __init__(self, parameters: FlatParameters, microbatches: int) -> None:
        self._parameters, self._microbatches = parameters, microbatches
        self._buffers: list[Tensor] = []
        self._received: list[Tensor] = []

    def reduce(self, ranks: Collectives, backward: Backward) -> Tensor:
        """Return the summed gradients (elements,) of all microbatches, the same bits at any number of ranks."""
        plan = plan_reduction(rank_range(self._microbatches, ranks.rank, ranks.size), self._microbatches)
        self._run_plan(plan, backward)
        if ranks.size == 1:
            return self._buffers[plan.sums[0][1]][: self._parameters.elements]
        return self._combine(ranks, [self._buffers[buffer] for _, buffer in plan.sums])

    def discard_buffers(self) -> None:
        """Use new buffers from now on."""
        self._buffers, self._received = [], []

    def _run_plan(self, plan: ReductionPlan, backward: Backward) -> None:
        while len(self._buffers) < plan.buffers:
            self._buffers.append(self._parameters.gradient_buffer(self._microbatches))
        for operation in plan.operations:
            match operation:
                case Leaf(number, buffer, overwrite):
                    if overwrite:
                        self._buffers[buffer].zero_()
                    self._parameters.point_gradients_to(self._buffers[buffer])
                    backward(number)
                case Add(into, other):
                    self._buffers[into].add_(self._buffers[other])

    def _combine(self, ranks: Collectives, sums: list[Tensor]) -> Tensor:
        """Exchange slices of the sums, add them, gather the slices. The first buffer holds the result.

        Ranks have different numbers of sums; in each round of the exchange, every rank sends one if it has any left.
        """
        count, size = self._microbatches, ranks.size
        slice_size = -(-self._parameters.elements // size)
        covers = [cover(rank_range(count, rank, size), count) for rank in range(size)]
        slices: dict[Node, Tensor] = {}
        for round_number in range(max(map(len, covers))):
            sent_nodes = [nodes[round_number] if round_number < len(nodes) else None for nodes in covers]
            received = self._receive_buffer(round_number, slice_size * sum(node is not None for node in sent_nodes))
            mine = sums[round_number][: slice_size * size] if round_number < len(sums) else received.new_empty(0)
            ranks.all_to_all(
                received,
                mine,
                [slice_size if node else 0 for node in sent_nodes],
                [slice_size if round_number < len(sums) else 0] * size,
            )
            received_nodes = [node for node in sent_nodes if node is not None]
            slices |= dict(zip(received_nodes, torch.split(received, slice_size), strict=True))
        whole = self._buffers[0][: slice_size * size]
        ranks.all_gather(whole, combine(slices, count))
        return whole[: self._parameters.elements]

    def _receive_buffer(self, round_number: int, elements: int) -> Tensor:
        if round_number == len(self._received):
            self._received.append(self._parameters.weights.new_empty(0))
        if self._received[round_number].numel() < elements:
            self._received[round_number] = self._parameters.weights.new_empty(elements)
        return self._received[round_number][:elements]


class FastReduction:
    """Adds microbatches in their order on each rank, then over the ranks in any order."""

    def __init__(self, parameters: FlatParameters, microbatches: int) -> None:
        self._parameters, self._microbatches = parameters, microbatches
        self._buffer: Tensor | None = None

    def reduce(self, ranks: Collectives, backward: Backward) -> Tensor:
        """Return the summed gradients (elements,) of all microbatches."""
        if self._buffer is None:
            self._buffer = self._parameters.gradient_buffer()
        with torch.no_grad():
            self._buffer.zero_()
        self._parameters.point_gradients_to(self._buffer)
        for number in rank_range(self._microbatches, ranks.rank, ranks.size):
            backward(number)
        ranks.all_reduce(self._buffer)
        return self._buffer

    def discard_buffers(self) -> None:
        """Use a new buffer from now on."""
        self._buffer = None
