"""A keyed permutation of n samples that needs no table: each position is computed, so resuming costs nothing.

A Feistel network (Luby & Rackoff 1988) over the smallest even number of bits that holds n is a bijection. Cycle
walking, which applies it again until the value is below n (Black & Rogaway 2002), makes it a bijection of [0, n).
"""

import hashlib
from dataclasses import dataclass

ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Permutation:
    """A bijection of [0, size) that differs for every seed, epoch and source."""

    seed: int
    epoch: int
    size: int
    source: int | None = None
    """The number of the source in a mixture; None if there is none."""

    def __call__(self, index: int) -> int:
        """Return the image of `index`. Fewer than four rounds of cycle walking are expected.

        IndexError if `index` is outside [0, size).
        """
        if not 0 <= index < self.size:
            raise IndexError(f"{index} is not in [0, {self.size})")
        value = self._shuffle(index)
        while value >= self.size:
            value = self._shuffle(value)
        return value

    def _shuffle(self, value: int) -> int:
        half = self._half_bits
        mask = (1 << half) - 1
        left, right = value >> half, value & mask
        for number in range(ROUNDS):
            left, right = right, left ^ (self._round_function(number, right) & mask)
        return left << half | right

    def _round_function(self, number: int, half_value: int) -> int:
        of_source = "" if self.source is None else f"source {self.source}/"
        text = f"{of_source}{self.seed}/{self.epoch}/{number}/{half_value}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())

    @property
    def _half_bits(self) -> int:
        return max(1, ((self.size - 1).bit_length() + 1) // 2)
