"""The collectives that a training step needs, as a protocol, and their implementation for a single process."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Collectives(Protocol):
    """The ranks of a generation. Every method blocks until all ranks have called it.

    GenerationEnded if a rank is lost.
    """

    rank: int
    size: int

    def all_reduce(self, tensor: Tensor) -> None:
        """Sum `tensor` over all ranks, in place. The order of summation is unspecified: use it for exact sums only."""

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        """Send each rank its slice of `sent` (sum of sent_sizes,) and fill `received` (sum of received_sizes,).

        Both are ordered by rank.
        """

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        """Fill `whole` (size · n,) with the `part` (n,) of every rank, ordered by rank."""

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Overwrite `tensor` on every rank with that of rank `source`."""


class SingleProcess:
    """The collectives of a generation with one rank."""

    rank, size = 0, 1

    def all_reduce(self, tensor: Tensor) -> None:
        """Leave `tensor` unchanged: there is nothing to add."""

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        """Copy `sent` to `received`."""
        received.copy_(sent)

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        """Copy `part` to `whole`."""
        whole.copy_(part)

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Leave `tensor` unchanged: this rank is the source."""
