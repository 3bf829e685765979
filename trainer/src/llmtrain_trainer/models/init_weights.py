"""First weights: each tensor is drawn by its own generator, so the order of creation changes nothing."""

import hashlib

import torch
from torch import nn

EMBEDDING_DEVIATION = 0.02
RESIDUAL_OUTPUTS = ("o_proj.weight", "down_proj.weight")


def init_weights(model: nn.Module, seed: int, layers: int) -> None:
    """Set every weight from (`seed`, its name): matrices normal, norms one.

    Matrices keep the variance of what they map (deviation 1/sqrt(inputs)); those that end in the residual
    stream are smaller by sqrt(2 · layers), so that it doesn't grow with depth (Radford et al. 2019).
    """
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.fill_(1.0)
            else:
                weight.copy_(_normal(weight.shape, seed, name) * _deviation(name, weight.shape, layers))


def _deviation(name: str, shape: torch.Size, layers: int) -> float:
    if name.endswith("embed_tokens.weight"):
        return EMBEDDING_DEVIATION
    deviation: float = shape[1] ** -0.5
    return deviation / (2 * layers) ** 0.5 if name.endswith(RESIDUAL_OUTPUTS) else deviation


def _normal(shape: torch.Size, seed: int, name: str) -> torch.Tensor:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest) >> 1)
    return torch.randn(shape, generator=generator)
