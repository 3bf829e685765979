"""What a network of `transformers` has that is not trained, such as the bias of a BART's logits or positions that are computed.

Checkpoints and peers have only what is trained, so each rank takes the rest from the folder.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return what a file of weights has of a network, by name: its parameters and its buffers."""
    buffers = {name: buffer for name, buffer in network.named_buffers() if name in network.state_dict()}
    return {**dict(network.named_parameters()), **buffers}


def load_untrained(network: nn.Module, load: Callable[[], Mapping[str, Tensor]]) -> None:
    """Set what is not trained to the weights of `load`, which is called only if there is any."""
    untrained = {name: weight for name, weight in weights_of(network).items() if not weight.requires_grad}
    if not untrained:
        return
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        loaded = load()
        for name in untrained.keys() & loaded.keys():
            untrained[name].copy_(loaded[name])
