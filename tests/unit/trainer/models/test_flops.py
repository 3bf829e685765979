"""Floating-point operations are counted from the sizes of the network; utilization follows from them."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.models.config import GPTConfig, config_for
from llmtrain_trainer.models.flops import flops_per_token, mfu
from llmtrain_trainer.models.gpt import GPT

CONFIGS = {
    "the preset tiny": config_for(ModelSpec(), 4096),
    "a small vocabulary": config_for(ModelSpec(), 512),
    "few heads for keys": GPTConfig(layers=2, width=64, heads=4, kv_heads=2, context_length=32, vocab_size=512),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_torch_counts_as_many_operations(name: str) -> None:
    config = CONFIGS[name]
    model = GPT(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.02)
    text = torch.randint(0, config.vocab_size, (1, config.context_length + 1))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        torch.autograd.backward(model.loss(text))
    assert counter.get_total_flops() == flops_per_token(config) * config.context_length


def test_mfu_is_the_fraction_of_the_peak() -> None:
    assert mfu(100.0, 6, 1200.0) == 0.5
    assert mfu(100.0, None, 1200.0) is None
    assert mfu(100.0, 6, None) is None
