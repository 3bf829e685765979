"""The network: shapes, causality, and initial weights that are a function of seed and name."""

import math

import pytest
import torch

from llmtrain_trainer.models.config import GPTConfig
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.init_weights import init_weights

CONFIG = GPTConfig(layers=2, width=32, heads=4, kv_heads=2, context_length=16, vocab_size=64)


@pytest.fixture
def model() -> GPT:
    model = GPT(CONFIG)
    init_weights(model, 0, CONFIG.layers)
    return model


def test_every_position_has_a_logit_for_every_token(model: GPT) -> None:
    assert model(torch.zeros(3, 5, dtype=torch.long)).shape == (3, 5, 64)


def test_a_position_does_not_see_those_after_it(model: GPT) -> None:
    tokens = torch.arange(16)[None] * 3
    changed = tokens.clone()
    changed[0, 9:] += 1
    before, after = model(tokens), model(changed)
    assert torch.allclose(before[:, :9], after[:, :9], atol=1e-6)
    assert not torch.allclose(before[:, 9:], after[:, 9:], atol=1e-3)


def test_positions_matter(model: GPT) -> None:
    tokens = torch.tensor([[5, 6, 7, 8]])
    swapped = torch.tensor([[6, 5, 7, 8]])
    assert not torch.allclose(model(tokens)[:, -1], model(swapped)[:, -1], atol=1e-5)


def test_an_untrained_model_predicts_uniformly(model: GPT) -> None:
    tokens = torch.randint(0, 64, (8, 17), generator=torch.Generator().manual_seed(0))
    assert model.loss(tokens).item() / (8 * 16) == pytest.approx(math.log(64), abs=0.2)


def test_initial_weights_depend_on_seed_and_name_alone(model: GPT) -> None:
    deeper = GPT(GPTConfig(layers=3, width=32, heads=4, kv_heads=2, context_length=16, vocab_size=64))
    init_weights(deeper, 0, CONFIG.layers)
    weights, others = dict(model.named_parameters()), dict(deeper.named_parameters())
    assert all(torch.equal(weight, others[name]) for name, weight in weights.items())
    init_weights(deeper, 1, CONFIG.layers)
    assert not torch.equal(others["model.embed_tokens.weight"], weights["model.embed_tokens.weight"])
    first, second = (weights[f"model.layers.{layer}.self_attn.q_proj.weight"] for layer in (0, 1))
    assert not torch.equal(first, second)
