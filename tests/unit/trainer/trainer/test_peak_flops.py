"""A peak is reported only for GPUs whose data sheet is known."""

import pytest

from llmtrain_trainer.trainer.peak_flops import peak_flops

GPUS = [
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
    ("Another GPU", "bfloat16", None),
]


@pytest.mark.parametrize(("name", "precision", "peak"), GPUS)
def test_the_peak_of_a_gpu(name: str, precision: str, peak: float | None) -> None:
    assert peak_flops(name, precision) == peak
