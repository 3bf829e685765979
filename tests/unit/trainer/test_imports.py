"""Modules that must start fast do not import torch; those that need torch do not import its slow parts."""

import subprocess
import sys

import pytest

CASES = [
    pytest.param("llmtrain_trainer.stages.prepare", ("torch", "safetensors", "transformers"), id="prepare"),
    pytest.param("llmtrain_trainer.worker.supervisor", ("torch", "numpy", "tokenizers"), id="worker"),
    pytest.param("llmtrain_trainer.metrics.translation", ("torch", "sacrebleu"), id="metrics"),
    pytest.param("llmtrain_trainer.stages.predict", ("torch._dynamo", "transformers"), id="predict"),
    pytest.param("llmtrain_trainer.stages.publish_labelled", ("torch._dynamo", "transformers"), id="publish"),
    pytest.param("llmtrain_trainer.checkpoint.writer", ("torch", "tokenizers"), id="checkpoint writer"),
    pytest.param("llmtrain_trainer.user_program.torchrun", ("torch", "numpy", "tokenizers"), id="torchrun"),
    pytest.param(
        "llmtrain_trainer.trainer.elastic_trainer",
        ("torch._dynamo", "torch._inductor", "sympy", "torchvision", "transformers"),
        id="elastic trainer",
    ),
    *(
        pytest.param(
            f"llmtrain_trainer.training.{learner}",
            ("torch._dynamo", "torch._inductor", "sympy", "torchvision", "transformers"),
            id=learner,
        )
        for learner in ("gpt_task", "labelled_learner")
    ),
    pytest.param(
        "llmtrain_trainer.training.gpt_task", ("llmtrain_trainer.models.classifier",), id="only its own model"
    ),
]


@pytest.mark.parametrize(("module", "excluded"), CASES)
def test_a_module_does_not_import_slow_packages(module: str, excluded: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*(name for name in {excluded!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_env())
    assert result.stdout.strip() == ""


def _env() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}
