"""Operations are counted from the network, and a peak is claimed only where it is known."""

import pytest

from llmtrain_trainer.models.flops import flops_per_token
from llmtrain_trainer.models.gpt import Gpt
from llmtrain_trainer.models.shape import Shape
from llmtrain_trainer.training.chips import peak_flops

SHAPE = Shape(layers=2, width=64, heads=4, kv_heads=2, context_length=32, vocab_size=512)
CHIPS = [
    ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4e12),
    ("NVIDIA H100 PCIe", "bfloat16", 756e12),
    ("NVIDIA A100-SXM4-80GB", "bfloat16", 312e12),
    ("NVIDIA A10", "bfloat16", 125e12),
    ("NVIDIA L4", "bfloat16", 121e12),
    ("NVIDIA H200", "bfloat16", 989.4e12),
    ("NVIDIA H200", "float32", None),
    ("Somebody's chip", "bfloat16", None),
]


def test_six_operations_a_weight_and_twelve_a_position() -> None:
    matrices = sum(weight.numel() for weight in Gpt(SHAPE).parameters() if weight.dim() == 2)
    assert flops_per_token(SHAPE) == 6 * matrices + 12 * 2 * 64 * 32


@pytest.mark.parametrize(("name", "precision", "peak"), CHIPS)
def test_peak(name: str, precision: str, peak: float | None) -> None:
    assert peak_flops(name, precision) == peak
