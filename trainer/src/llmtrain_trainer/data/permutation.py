"""A keyed order of n samples that needs no table: sample i is computed, so resuming costs nothing.

A Feistel network (Luby & Rackoff 1988) over the smallest even number of bits that holds n is a bijection;
walking its cycle until the value is below n (Black & Rogaway 2002) makes it one of [0, n).
"""

import hashlib
from dataclasses import dataclass

ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Permutation:
    """A bijection of [0, size), another for every seed and epoch."""

    seed: int
    epoch: int
    size: int

    def __call__(self, index: int) -> int:
        """Return where `index` goes; fewer than four tries are expected."""
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
            left, right = right, left ^ (self._mix(number, right) & mask)
        return left << half | right

    def _mix(self, number: int, half_value: int) -> int:
        text = f"{self.seed}/{self.epoch}/{number}/{half_value}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())

    @property
    def _half_bits(self) -> int:
        return max(1, ((self.size - 1).bit_length() + 1) // 2)
