"""A valid job as YAML reads it, for the tests of job files."""

from typing import Any

SMALL_JOB: dict[str, Any] = {
    "apiVersion": "llmtrain.dev/v1alpha1",
    "kind": "LLMTrainingJob",
    "metadata": {"name": "gpt"},
    "spec": {
        "workers": {"replicas": 2, "env": [{"name": "HOME", "value": "/tmp"}]},
        "data": {"source": {"volume": "texts", "path": "poems"}},
        "training": {"steps": 10},
        "checkpoint": {"volume": "results"},
    },
}
