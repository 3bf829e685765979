"""All weights of a model in one buffer and all gradients in another: one reduction, one norm, one update a step."""

import torch
from torch import Tensor, nn


class Parameters:
    """The buffers (elements,) in float32. Matrices come first; `decayed` is the number of their elements."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        named = sorted(model.named_parameters(), key=lambda item: item[1].ndim == 1)
        self._shapes = {name: weight.shape for name, weight in named}
        self.decayed = sum(weight.numel() for _, weight in named if weight.ndim > 1)
        self.weights = self.zeros(device)
        self.gradients = self.zeros(device)
        self._attach(dict(named))

    def zeros(self, device: torch.device) -> Tensor:
        """Return a new buffer of the same size."""
        return torch.zeros(sum(shape.numel() for shape in self._shapes.values()), device=device)

    def named(self, buffer: Tensor) -> dict[str, Tensor]:
        """Return the parts of a buffer by tensor name; writing to them writes to the buffer."""
        parts = torch.split(buffer, [shape.numel() for shape in self._shapes.values()])
        return {name: part.view(shape) for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)}

    def _attach(self, weights: dict[str, nn.Parameter]) -> None:
        """Make the model's weights and gradients parts of the buffers."""
        parts, gradients = self.named(self.weights), self.named(self.gradients)
        for name, weight in weights.items():
            weight.data = parts[name]
            weight.grad = gradients[name]
