"""All weights of a model in one buffer, all gradients in another: one reduction, one norm, one update a step."""

import torch
from torch import Tensor, nn


class FlatParameters:
    """The buffers (elements,) in float32, of what requires gradients. Matrices come first; `decayed` is the number of their elements."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        named = sorted(trained, key=lambda item: item[1].ndim == 1)
        self._shapes = {name: weight.shape for name, weight in named}
        self.decayed = sum(weight.numel() for _, weight in named if weight.ndim > 1)
        self.elements = sum(shape.numel() for shape in self._shapes.values())
        self.weights = self.zeros(device)
        self._named = dict(named)
        self._gradients: dict[int, dict[str, Tensor]] = {}
        for name, part in self.named(self.weights).items():
            self._named[name].data = part

    def zeros(self, device: torch.device) -> Tensor:
        """Return a new buffer of the same size."""
        return torch.zeros(self.elements, device=device)

    def gradient_buffer(self, slack: int = 0) -> Tensor:
        """Return a new buffer for gradients, with `slack` more zeros at its end."""
        return torch.zeros(self.elements + slack, device=self.weights.device)

    def point_gradients_to(self, buffer: Tensor) -> None:
        """Have the gradients of the next backward passes added to `buffer`, which must live as long as this."""
        parts = self._gradients.get(buffer.data_ptr())
        if parts is None:
            parts = self._gradients[buffer.data_ptr()] = self.named(buffer[: self.elements])
        for name, weight in self._named.items():
            weight.grad = parts[name]

    def named(self, buffer: Tensor) -> dict[str, Tensor]:
        """Return the parts of a buffer by tensor name; writing to them writes to the buffer."""
        parts = torch.split(buffer, [shape.numel() for shape in self._shapes.values()])
        return {name: part.view(shape) for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)}
