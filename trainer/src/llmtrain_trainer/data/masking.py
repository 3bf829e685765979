"""Masked language modelling: which tokens of a window are predicted, and what the model sees in their places.

Devlin et al. 2018: 15 % of the tokens are chosen; 80 % of them become the mask, 10 % any token, 10 % stay. All draws are keyed,
by seed, epoch and number of a sample in training, and by the number alone on held-out text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

CHOSEN, MASKED, REPLACED = 0.15, 0.8, 0.1
"""The part of the tokens that is predicted, and the parts of these that become the mask, and any token."""
NOT_CHOSEN = -100
"""The target where nothing is predicted."""


@dataclass(frozen=True, kw_only=True)
class Masking:
    """What masks windows, with the special tokens around them, which are never chosen."""

    mask: int
    """The token that replaces others."""
    special: NDArray[np.int64]
    """Tokens that are never chosen."""
    vocab_size: int
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, mask: int, vocab_size: int, around: tuple[tuple[int, ...], tuple[int, ...]]
    ) -> "Masking":
        """Return that of a tokenizer, which puts the tokens `around` each text."""
        added = tokenizer.get_added_tokens_decoder()
        special = np.array(sorted(token for token, how in added.items() if how.special), dtype=np.int64)
        return cls(mask=mask, special=special, vocab_size=vocab_size, before=around[0], after=around[1])

    def apply(self, windows_BW: NDArray[np.int64], keys: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what the model sees of windows, and what it predicts (B, L): NOT_CHOSEN in all other places.

        A window has one key, of which its draws are a function. At least one token of it is chosen, if it has any other than
        special ones.
        """
        pairs = [self._masked(window, generator_of(key)) for window, key in zip(windows_BW, keys, strict=True)]
        return np.stack([inputs for inputs, _ in pairs]), np.stack([targets for _, targets in pairs])

    def _masked(
        self, window_W: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        tokens_L = np.concatenate([self.before, window_W, self.after]).astype(np.int64)
        order_L, change_L = torch.rand(2, len(tokens_L), generator=generator, dtype=torch.float64).numpy()
        other_L = torch.randint(self.vocab_size, (len(tokens_L),), generator=generator).numpy()
        candidates = np.flatnonzero(~np.isin(tokens_L, self.special))
        count = min(len(candidates), max(1, round(CHOSEN * len(candidates))))
        chosen = candidates[np.argsort(order_L[candidates], kind="stable")[:count]]
        inputs_L, targets_L = tokens_L.copy(), np.full_like(tokens_L, NOT_CHOSEN)
        targets_L[chosen] = tokens_L[chosen]
        masked = chosen[change_L[chosen] < MASKED]
        replaced = chosen[(change_L[chosen] >= MASKED) & (change_L[chosen] < MASKED + REPLACED)]
        inputs_L[masked], inputs_L[replaced] = self.mask, other_L[replaced]
        return inputs_L, targets_L


def generator_of(key: str) -> torch.Generator:
    """Return a generator of random numbers that are a function of a key."""
    seed = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) >> 1
    return torch.Generator().manual_seed(seed)
