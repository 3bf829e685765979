"""The fixed binary tree over the microbatches of a step: which sums are made, and in which order.

Adding floating-point numbers in another order gives other bits. So the order is a property of the step and not of
the ranks: microbatch i is leaf i, a node adds the sum of its right half to that of its left half, and whoever owns
all leaves of a node may compute it. Halves are powers of two wide; leaves beyond the last one are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True, order=True)
class Node:
    """The leaves [start, start + width) of the tree, `width` being a power of two that divides `start`."""

    start: int
    width: int

    @property
    def halves(self) -> tuple["Node", "Node"]:
        """Its two children."""
        half = self.width // 2
        return Node(self.start, half), Node(self.start + half, half)


@dataclass(frozen=True)
class Leaf:
    """Put the gradients of a microbatch into a buffer: alone, or added to those of the leaf before it."""

    number: int
    buffer: int
    fresh: bool


@dataclass(frozen=True)
class Add:
    """Add one buffer to another."""

    into: int
    other: int


@dataclass(frozen=True)
class ReductionPlan:
    """How a rank gets from its leaves to the sums it gives to the others."""

    operations: tuple[Leaf | Add, ...]
    sums: tuple[tuple[Node, int], ...]
    """The nodes of its range with the buffers that hold them at the end."""
    buffers: int
    """How many it needs at once: at most the depth of the tree more than it gives away."""


def cover(leaves: range, count: int) -> tuple[Node, ...]:
    """Return the largest nodes of a tree of `count` leaves that `leaves` consists of, from left to right."""
    nodes, start = [], leaves.start
    while start < leaves.stop:
        width = 1
        while start % (2 * width) == 0 and start + width < leaves.stop and _whole(start + 2 * width, leaves, count):
            width *= 2
        nodes.append(Node(start, width))
        start += width
    return tuple(nodes)


def _whole(stop: int, leaves: range, count: int) -> bool:
    return stop <= leaves.stop or leaves.stop == count


def plan_reduction(leaves: range, count: int) -> ReductionPlan:
    """Return how to add up `leaves`, a rank's part of `count`, with as few buffers as possible."""
    operations: list[Leaf | Add] = []
    free: list[int] = []
    used = 0

    def take() -> int:
        nonlocal used
        if free:
            return free.pop()
        used += 1
        return used - 1

    def grow(node: Node) -> int:
        if node.width == 1:
            buffer = take()
            operations.append(Leaf(node.start, buffer, fresh=True))
            return buffer
        left, right = node.halves
        buffer = grow(left)
        if right.start < count:
            if right.width == 1:
                operations.append(Leaf(right.start, buffer, fresh=False))
            else:
                other = grow(right)
                operations.append(Add(buffer, other))
                free.append(other)
        return buffer

    sums = tuple((node, grow(node)) for node in cover(leaves, count))
    return ReductionPlan(operations=tuple(operations), sums=sums, buffers=used)


def combine(sums: Mapping[Node, torch.Tensor], count: int) -> torch.Tensor:
    """Return the sum at the root from nodes that cover all `count` leaves. Their tensors are used up."""

    def add_up(node: Node) -> torch.Tensor:
        if node in sums:
            return sums[node]
        left, right = node.halves
        result = add_up(left)
        return result.add_(add_up(right)) if right.start < count else result

    width = 1
    while width < count:
        width *= 2
    return add_up(Node(0, width))
