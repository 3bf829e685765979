"""Muon (Jordan et al. 2024): the momentum of each hidden matrix is replaced by an orthogonal matrix near it.

Embeddings, output layers and vectors are updated by AdamW. The update of a matrix is scaled so that its size is that of
AdamW (Liu et al. 2025, section 2.2), so one learning rate serves both. Every rank computes every matrix, in float32: the
result does not depend on the number of ranks.
"""

import math

import torch
from torch import Tensor, nn

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.flat_parameters import FlatParameters

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic polynomial; they bring singular values near 1 in few iterations, not exactly to it."""
ITERATIONS = 5
EPSILON = 1e-7
RMS_OF_ADAMW = 0.2
"""Root mean square of AdamW's updates in units of the learning rate, as measured in large trainings."""
OUTPUT_LAYERS = frozenset({"head", "lm_head", "classifier", "score", "qa_outputs", "decoder"})
"""Names of the linear layers that compute a model's outputs, here and in transformers."""
OUTPUT_HEADS = frozenset({"classifier", "classification_head", "lm_head"})
"""Names of heads of several layers in transformers, whose layer `out_proj` computes the outputs."""


class Muon:
    """AdamW, whose average of gradients is the momentum of hidden matrices."""

    def __init__(self, settings: Optimizer, parameters: FlatParameters, device: torch.device) -> None:
        self._adamw = AdamW(settings, parameters, device)
        self._decay, self._momentum = float(settings.weight_decay), float(settings.beta1)
        hidden = hidden_matrices(parameters.model)
        self._matrices, self._others = [], []
        start = 0
        for name, shape in parameters.shapes.items():
            span = slice(start, start := start + shape.numel())
            if name in hidden:
                self._matrices.append((span, shape))
            else:
                self._others.append((span, self._decay if span.start < parameters.decayed else 0.0))

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The averages of AdamW."""
        return self._adamw.buffers

    @torch.no_grad()
    def update(self, weights: Tensor, gradients: Tensor, *, step: int, learning_rate: float) -> None:
        """Update `weights` (elements,) in place for `step`, counted from 0. The gradients are overwritten."""
        for span, decay in self._others:
            self._adamw.update_span(span, weights, gradients, step=step, learning_rate=learning_rate, decay=decay)
        for span, shape in self._matrices:
            momentum = self._adamw.exp_avg[span].lerp_(gradients[span], 1 - self._momentum)
            direction = orthogonalize(gradients[span].lerp_(momentum, self._momentum).view(shape))
            size = learning_rate * RMS_OF_ADAMW * math.sqrt(max(shape))
            weights[span].mul_(1 - learning_rate * self._decay).add_(direction.reshape(-1), alpha=-size)


def hidden_matrices(model: nn.Module) -> frozenset[str]:
    """Return the names of the trained matrices that are neither embeddings nor output layers."""
    outer = {
        id(weight)
        for path, module in model.named_modules()
        if isinstance(module, nn.Embedding) or _is_output(path)
        for weight in module.parameters(recurse=False)
    }
    return frozenset(name for name, weight in model.named_parameters() if weight.ndim == 2 and id(weight) not in outer)


def _is_output(path: str) -> bool:
    """Return whether the module at a path computes a model's outputs."""
    parent, name = ("", *path.split("."))[-2:]
    return name in OUTPUT_LAYERS or (name == "out_proj" and parent in OUTPUT_HEADS)


def orthogonalize(matrix: Tensor) -> Tensor:
    """Return a matrix of the same shape and singular vectors whose singular values are near 1, by Newton-Schulz."""
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide: Tensor = matrix.T if is_tall else matrix
    wide = wide / wide.norm().clamp(min=EPSILON)
    for _ in range(ITERATIONS):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide.T if is_tall else wide
