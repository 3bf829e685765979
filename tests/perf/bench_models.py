"""The models that benchmarks train."""

from pathlib import Path
from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig, run_config

MODELS: dict[str, dict[str, Any]] = {
    "tiny": {"preset": "tiny", "contextLength": 64},
    "25m": {"preset": "tiny", "layers": 7, "width": 512, "heads": 8, "kvHeads": 8, "contextLength": 128},
}
MICROBATCHES = 8


def make_run(folder: Path, model: dict[str, Any], reduction: str) -> RunConfig:
    spec = JobSpec.model_validate(
        {
            "model": model,
            "data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}, "tokenizer": {"vocabSize": 4096}},
            "training": {"steps": 300, "microbatches": MICROBATCHES, "microbatchSize": 1, "reduction": reduction},
            "checkpoint": {"volume": "checkpoints"},
        }
    )
    return run_config(
        spec,
        job="bench",
        namespace="local",
        uid="bench",
        data_directory=str(folder / "data"),
        job_directory=str(folder / "job"),
        coordinator="127.0.0.1:1",
    )
