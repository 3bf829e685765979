"""What a step asks of the other ranks."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Collectives(Protocol):
    """The members of a generation, as far as a step needs them. Every method waits until all ranks have called it."""

    rank: int
    size: int

    def all_reduce(self, tensor: Tensor) -> None:
        """Add up `tensor` over all ranks, in place on each. The order is open: for what has no rounding."""

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        """Give each rank its part of `sent` and fill `received` with theirs, both in the order of the ranks."""

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        """Fill `whole` with the equally long parts of all ranks, in the order of the ranks."""

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Give every rank what `tensor` is on rank `source`."""


class SingleProcess:
    """The only rank there is."""

    rank, size = 0, 1

    def all_reduce(self, tensor: Tensor) -> None:
        """Leave `tensor` as it is: there is nobody to add."""

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        """Take what it sent."""
        received.copy_(sent)

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        """Take its own part."""
        whole.copy_(part)

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Leave `tensor` as it is: it is the source's."""
