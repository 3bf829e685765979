"""Which states the head of a network reads: their mean over a sequence, or that of each token.

Letters of shape suffixes: B sequences, L positions, E states.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Pooling = Callable[[Tensor, Tensor], Tensor]
"""Takes the states of all positions (B, L, E) of any body, and the lengths (B,); returns those that the head reads."""


def mean_state(states_BLE: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the mean of the states of the tokens of each sequence (B, E)."""
    is_token_BL = torch.arange(states_BLE.shape[1], device=states_BLE.device) < lengths_B[:, None]
    sums_BE = (states_BLE * is_token_BL[:, :, None]).sum(1)
    return sums_BE / lengths_B[:, None]


def each_state(states_BLE: Tensor, lengths_B: Tensor) -> Tensor:
    """Return all states (B, L, E)."""
    return states_BLE


POOLINGS: Mapping[str, Pooling] = {
    "classification": mean_state,
    "regression": mean_state,
    "tagging": each_state,
    "question-answering": each_state,
}
"""By the name of the task."""
