"""Modules that must start fast do not import torch; those that need torch do not import its slow parts."""

import subprocess
import sys

import pytest

CASES = [
    pytest.param("llmtrain_trainer.stages.prepare", ("torch", "safetensors"), id="prepare"),
    pytest.param("llmtrain_trainer.worker.supervisor", ("torch", "numpy", "tokenizers"), id="worker"),
    pytest.param("llmtrain_trainer.checkpoint.writer", ("torch", "tokenizers"), id="checkpoint writer"),
    pytest.param("llmtrain_trainer.user_program.torchrun", ("torch", "numpy", "tokenizers"), id="torchrun"),
    pytest.param(
        "llmtrain_trainer.trainer.elastic_trainer",
        ("torch._dynamo", "torch._inductor", "sympy", "torchvision", "transformers"),
        id="elastic trainer",
    ),
]


@pytest.mark.parametrize(("module", "excluded"), CASES)
def test_a_module_does_not_import_slow_packages(module: str, excluded: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*(name for name in {excluded!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_env())
    assert result.stdout.strip() == ""


def _env() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}
