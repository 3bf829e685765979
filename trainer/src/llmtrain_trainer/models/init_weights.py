"""Initial weights. Each tensor has a generator of its own, so the order of initialization does not matter."""

import hashlib

import torch
from torch import nn

EMBEDDING_STD = 0.02
RESIDUAL_OUTPUTS = ("o_proj.weight", "down_proj.weight")


def init_weights(model: nn.Module, seed: int, layers: int, *, embedding_std: float = EMBEDDING_STD) -> None:
    """Initialize every weight of `model`: gains of norms with one, biases with zero, matrices keyed by seed and name.

    Matrices are drawn from a normal distribution, embeddings with the standard deviation `embedding_std`.

    A standard deviation of 1 / sqrt(inputs) preserves the variance of a matrix's input. Matrices that write to the
    residual stream are scaled by 1 / sqrt(2 · layers), so that it does not grow with depth (Radford et al. 2019).
    """
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.fill_(0.0 if name.rpartition(".")[2].startswith("bias") else 1.0)
            else:
                std = embedding_std if name.endswith("embed_tokens.weight") else _std(name, weight.shape, layers)
                weight.copy_(_normal(weight.shape, seed, name) * std)


def _std(name: str, shape: torch.Size, layers: int) -> float:
    std: float = shape[1] ** -0.5
    return std / (2 * layers) ** 0.5 if name.endswith(RESIDUAL_OUTPUTS) else std


def _normal(shape: torch.Size, seed: int, name: str) -> torch.Tensor:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest) >> 1)
    return torch.randn(shape, generator=generator)
