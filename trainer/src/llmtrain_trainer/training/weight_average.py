"""An exponential moving average of the weights, by which a model is judged and which is published (Polyak & Juditsky 1992).

The average is a part of the training state beside the weights that it follows. In step t, counted from 1, its decay is at
most (1 + t) / (10 + t), as in TensorFlow's ExponentialMovingAverage: so initial weights do not outweigh those of a short training.
"""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from llmtrain_trainer.training.flat_parameters import FlatParameters


class WeightAverage:
    """A buffer (elements,), or none with a decay of 0: then the weights themselves are judged and published."""

    def __init__(self, decay: float, parameters: FlatParameters, device: torch.device) -> None:
        self._decay, self._parameters = decay, parameters
        self.buffers: Mapping[str, Tensor] = {"average": parameters.zeros(device)} if decay else {}
        """The average by its name in checkpoints."""

    def reset(self) -> None:
        """Begin with the weights as they are."""
        for average in self.buffers.values():
            average.copy_(self._parameters.weights)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after `step`, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for average in self.buffers.values():
            average.lerp_(self._parameters.weights, 1 - decay)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Let the network compute with the average, if there is one. The weights must not be trained in this context."""
        if not self.buffers:
            yield
            return
        try:
            self._parameters.point_weights_to(self.buffers["average"])
            yield
        finally:
            self._parameters.point_weights_to(self._parameters.weights)
