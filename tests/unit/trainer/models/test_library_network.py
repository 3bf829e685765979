"""Networks of the library get the same initial weights on every rank, and see no padding."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.library_network import (
    greatest_dropout,
    padded,
    require_explainable,
    set_initial_weights,
)


def test_the_greatest_dropout_counts() -> None:
    values = {"attention_dropout": 0.1, "hidden_dropout_prob": 0.2, "classifier_dropout": None, "layers": 3}
    assert greatest_dropout(SimpleNamespace(to_dict=lambda: values)) == 0.2
    assert greatest_dropout(SimpleNamespace(to_dict=dict)) == 0.0


def test_what_is_behind_the_end_of_a_text_is_padding() -> None:
    tokens, mask = padded(torch.tensor([[5, 6, 7], [8, 9, 9]]), torch.tensor([3, 1]), padding=2)
    assert tokens.tolist() == [[5, 6, 7], [8, 2, 2]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_weights_that_are_not_loaded_are_drawn_by_the_seed_alone() -> None:
    loaded = {"bias": torch.tensor([1.0, 2.0])}
    networks = [nn.Linear(3, 2) for _ in range(3)]
    for network, seed in zip(networks, (1, 1, 2), strict=True):
        torch.rand(seed)  # the generator of the process has no effect, and is left as it was
        before = torch.get_rng_state()
        set_initial_weights(network, seed, lambda: nn.Linear(3, 2), lambda: loaded)
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(networks[0].weight, networks[1].weight)
    assert not torch.equal(networks[0].weight, networks[2].weight)
    assert all(network.bias.tolist() == [1.0, 2.0] for network in networks)


class Network:
    """Sums the embedded tokens, if it reads these at all, to which it adds something."""

    def __init__(self, added: float | None) -> None:
        self._added = added

    def __call__(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return tokens.sum(1, keepdim=True).float()

    def embed(self, tokens: Tensor) -> Tensor:
        return tokens.float()

    def read(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        if self._added is None:
            raise NotImplementedError
        return embedded.sum(1, keepdim=True) + self._added


def test_a_network_is_explained_if_it_reads_embedded_tokens_as_it_reads_tokens() -> None:
    tokens = torch.tensor([[3, 4, 5]])
    require_explainable(Network(0.0), tokens, Path("models/bart"))
    for added in (1.0, None):
        with pytest.raises(
            BadInput, match=r"^spec\.evaluation\.explain: the architecture in 'models/bart/config\.json' can't"
        ):
            require_explainable(Network(added), tokens, Path("models/bart"))
