"""Jobs for these tests: small models on the text that is part of every trainer image."""

from typing import Any

Manifest = dict[str, Any]


def job(name: str, *, steps: int = 20, replicas: int = 2, **spec: Any) -> Manifest:
    """Return a job that trains a very small model; `spec` replaces whole parts of its spec."""
    return {
        "apiVersion": "llmtrain.dev/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {"name": name},
        "spec": {
            "workers": {"replicas": replicas, "resources": {"cpu": "500m", "memory": "1Gi"}},
            "model": {"preset": "tiny", "layers": 2, "width": 64, "heads": 4, "kvHeads": 2, "contextLength": 64},
            "data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}},
            "training": {"steps": steps, "microbatches": 4, "microbatchSize": 2},
            "checkpoint": {"volume": "checkpoints", "everySteps": 10},
            "evaluation": {"everySteps": 1000, "sample": {"tokens": 8}},
            **spec,
        },
    }


ENDLESS = 1_000_000
"""Steps of a job that a test ends itself."""

WORKERS = {"replicas": 2, "min": 1, "max": 3, "resources": {"cpu": "500m", "memory": "1Gi"}}


def own(name: str, entrypoint: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a job that runs a program."""
    manifest = job(name, **{"workers": WORKERS, "data": {"source": {"volume": "datasets"}}, **spec})
    for part in ("model", "evaluation"):
        del manifest["spec"][part]
    return {**manifest, "spec": {**manifest["spec"], "entrypoint": entrypoint}}
