"""The fixed binary tree over the microbatches of a step: which rank computes which sums, and in which order.

Adding floating-point numbers in another order gives other bits. The order is therefore a property of the step and not
of the ranks: microbatch i is leaf i, a node adds the sum of its right half to the sum of its left half, and a rank
that has all leaves of a node can compute it. Halves are powers of two wide; leaves beyond the last one are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch


def rank_range(microbatches: int, rank: int, ranks: int) -> range:
    """Return the contiguous range of a step's microbatches that `rank` computes; ranges differ by one at most."""
    return range(rank * microbatches // ranks, (rank + 1) * microbatches // ranks)


@dataclass(frozen=True, order=True)
class Node:
    """The leaves [start, start + width) of the tree, `width` being a power of two that divides `start`."""

    start: int
    width: int

    @property
    def halves(self) -> tuple["Node", "Node"]:
        """The two children."""
        half = self.width // 2
        return Node(self.start, half), Node(self.start + half, half)


@dataclass(frozen=True)
class Leaf:
    """Compute the gradients of a microbatch into a buffer."""

    number: int
    buffer: int
    overwrite: bool
    """Whether the buffer is cleared first; otherwise the gradients are added to those of the leaf before."""


@dataclass(frozen=True)
class Add:
    """Add one buffer to another."""

    into: int
    other: int


@dataclass(frozen=True)
class ReductionPlan:
    """How a rank computes the sums that it sends from its leaves."""

    operations: tuple[Leaf | Add, ...]
    sums: tuple[tuple[Node, int], ...]
    """The nodes that cover its range, with the buffers that hold them at the end."""
    buffers: int
    """Buffers needed at once: at most the depth of the tree more than there are sums."""


def cover(leaves: range, count: int) -> tuple[Node, ...]:
    """Return the largest nodes of a tree of `count` leaves that `leaves` consists of, from left to right."""
    nodes, start = [], leaves.start
    while start < leaves.stop:
        width = 1
        while (
            start % (2 * width) == 0 and start + width < leaves.stop and _contains_all(start + 2 * width, leaves, count)
        ):
            width *= 2
        nodes.append(Node(start, width))
        start += width
    return tuple(nodes)


def _contains_all(stop: int, leaves: range, count: int) -> bool:
    """Return whether all existing leaves before `stop` are in `leaves`, from its start on."""
    return stop <= leaves.stop or leaves.stop == count


def plan_reduction(leaves: range, count: int) -> ReductionPlan:
    """Return how to add up `leaves`, a rank's range of `count` leaves, with as few buffers as possible."""
    operations: list[Leaf | Add] = []
    free: list[int] = []
    used = 0

    def allocate() -> int:
        nonlocal used
        if free:
            return free.pop()
        used += 1
        return used - 1

    def build(node: Node) -> int:
        if node.width == 1:
            buffer = allocate()
            operations.append(Leaf(node.start, buffer, overwrite=True))
            return buffer
        left, right = node.halves
        buffer = build(left)
        if right.start < count:
            if right.width == 1:
                operations.append(Leaf(right.start, buffer, overwrite=False))
            else:
                other = build(right)
                operations.append(Add(buffer, other))
                free.append(other)
        return buffer

    sums = tuple((node, build(node)) for node in cover(leaves, count))
    return ReductionPlan(operations=tuple(operations), sums=sums, buffers=used)


def combine(sums: Mapping[Node, torch.Tensor], count: int) -> torch.Tensor:
    """Return the sum at the root from nodes that cover all `count` leaves. The tensors are overwritten."""

    def subtree_sum(node: Node) -> torch.Tensor:
        if node in sums:
            return sums[node]
        left, right = node.halves
        result = subtree_sum(left)
        return result.add_(subtree_sum(right)) if right.start < count else result

    width = 1
    while width < count:
        width *= 2
    return subtree_sum(Node(0, width))
