"""What must start fast doesn't import torch, and what imports torch leaves out its slow parts."""

import subprocess
import sys

import pytest

CASES = [
    ("llmtrain_trainer.stages.prepare", ("torch", "safetensors")),
    ("llmtrain_trainer.worker.supervisor", ("torch", "numpy", "tokenizers")),
    (
        "llmtrain_trainer.trainer.elastic_trainer",
        ("torch._dynamo", "torch._inductor", "sympy", "torchvision", "transformers"),
    ),
]


@pytest.mark.parametrize(("module", "unwanted"), CASES)
def test_imports(module: str, unwanted: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*(name for name in {unwanted!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_env())
    assert result.stdout.strip() == ""


def _env() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}
