"""All weights of a model in one buffer, all gradients in another: one reduction, one norm, one update per step."""

import torch
from torch import Tensor, nn


class FlatParameters:
    """Flat buffers (elements,) in float32 of the parameters that require gradients.

    Those that decay come first; `decayed` is the number of their elements. A parameter that several modules share is
    there once.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        named = sorted(trained, key=lambda item: not decays(item[1]))
        self.model = model
        self.shapes = {name: weight.shape for name, weight in named}
        self.decayed = sum(weight.numel() for _, weight in named if decays(weight))
        self.elements = sum(shape.numel() for shape in self.shapes.values())
        self.weights = self.zeros(device)
        self._named = dict(named)
        self._gradients: dict[int, dict[str, Tensor]] = {}
        self.point_weights_to(self.weights)

    def zeros(self, device: torch.device) -> Tensor:
        """Return a new buffer of the same size."""
        return torch.zeros(self.elements, device=device)

    def point_weights_to(self, buffer: Tensor) -> None:
        """Let the network compute with the values in `buffer` (elements,)."""
        for name, view in self.named(buffer).items():
            self._named[name].data = view

    def gradient_buffer(self, slack: int = 0) -> Tensor:
        """Return a new buffer for gradients, with `slack` additional zeros at its end."""
        return torch.zeros(self.elements + slack, device=self.weights.device)

    def point_gradients_to(self, buffer: Tensor) -> None:
        """Add the gradients of the next backward passes to `buffer`, which must outlive this object."""
        views = self._gradients.get(buffer.data_ptr())
        if views is None:
            views = self._gradients[buffer.data_ptr()] = self.named(buffer[: self.elements])
        for name, weight in self._named.items():
            weight.grad = views[name]

    def forget_gradient_buffers(self) -> None:
        """Keep no gradient buffer that was used so far."""
        self._gradients.clear()
        for weight in self._named.values():
            weight.grad = None

    def named(self, buffer: Tensor) -> dict[str, Tensor]:
        """Return views of a buffer by parameter name."""
        views = torch.split(buffer, [shape.numel() for shape in self.shapes.values()])
        return {name: flat.view(shape) for flat, (name, shape) in zip(views, self.shapes.items(), strict=True)}


def decays(weight: Tensor) -> bool:
    """Return whether weight decay applies to a parameter: to matrices, not to vectors and numbers such as gains."""
    return weight.ndim >= 2
