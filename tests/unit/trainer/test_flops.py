"""Operations are counted from the network, and a peak is claimed only where it is known."""

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from llmtrain_trainer.models.config import PRESETS, GPTConfig
from llmtrain_trainer.models.flops import flops_per_token
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.trainer.peak_flops import peak_flops

SHAPES = {
    "the preset tiny": replace(PRESETS["tiny"], vocab_size=4096),
    "a small vocabulary": replace(PRESETS["tiny"], vocab_size=512),
    "few heads for keys": GPTConfig(layers=2, width=64, heads=4, kv_heads=2, context_length=32, vocab_size=512),
}
CHIPS = [
    ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4e12),
    ("NVIDIA H100 PCIe", "bfloat16", 756e12),
    ("NVIDIA A100-SXM4-80GB", "bfloat16", 312e12),
    ("NVIDIA A10", "bfloat16", 125e12),
    ("NVIDIA L4", "bfloat16", 121e12),
    ("NVIDIA H200", "bfloat16", 989.4e12),
    ("NVIDIA H200 NVL", "bfloat16", 835.5e12),
    ("NVIDIA H100 NVL", "bfloat16", 835e12),
    ("NVIDIA H20-3e", "bfloat16", 148e12),
    ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bfloat16", None),
    ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "bfloat16", None),
    ("GRID A100-10C", "bfloat16", None),
    ("GRID A100-1-5CME", "bfloat16", None),
    ("NVIDIA A40-8Q", "bfloat16", None),
    ("NVIDIA L40S-24Q", "bfloat16", None),
    ("NVIDIA A10G", "bfloat16", None),
    ("NVIDIA GH200 480GB", "bfloat16", None),
    ("NVIDIA H200", "float32", None),
    ("Somebody's chip", "bfloat16", None),
]


@pytest.mark.parametrize("name", SHAPES)
def test_torch_counts_as_many_operations(name: str) -> None:
    shape = SHAPES[name]
    model = GPT(shape)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.02)
    text = torch.randint(0, shape.vocab_size, (1, shape.context_length + 1))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        torch.autograd.backward(model.loss(text))
    assert counter.get_total_flops() == flops_per_token(shape) * shape.context_length


@pytest.mark.parametrize(("name", "precision", "peak"), CHIPS)
def test_peak(name: str, precision: str, peak: float | None) -> None:
    assert peak_flops(name, precision) == peak
