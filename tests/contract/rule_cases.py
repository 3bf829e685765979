"""Jobs that the API accepts or rejects: changes of the example job, with the error message.

The contract tests run the rules' Python on them; the e2e tests submit them to an API server.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmtrain_api.names import MAX_JOB_NAME_LENGTH, MAX_WORKERS

EXAMPLE = Path(__file__).parents[2] / "examples" / "gpt-stdlib.yaml"
UNSET = object()
"""Value of a path whose field is removed."""

Change = Mapping[str, Any]
"""New values by path, such as {"spec.workers.min": 3}."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One job. `refusal` is part of its error message; None if the job is accepted."""

    sentence: str
    change: Change
    refusal: str | None = None

    @property
    def job(self) -> dict[str, Any]:
        """Return the job as a manifest."""
        return job_with(self.change)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change of a job that has started. `field` is the field of the spec that is changed."""

    field: str
    change: Change
    before: Change | None = None
    """Change of the example before the job starts."""


def job_with(*changes: Change) -> dict[str, Any]:
    """Return the example job with all changes applied in order."""
    job: dict[str, Any] = deepcopy(yaml.safe_load(EXAMPLE.read_text()))
    for change in changes:
        for path, value in change.items():
            *parents, last = path.split(".")
            node = job
            for name in parents:
                node = node.setdefault(name, {})
            if value is UNSET:
                node.pop(last, None)
            else:
                node[last] = deepcopy(value)
    return job


SOURCE = "spec.data.source"
PATH_SOURCE: Change = {f"{SOURCE}.bundled": UNSET, f"{SOURCE}.path": "books"}

OWN: Change = {
    "spec.entrypoint": {"script": "train.py"},
    "spec.data": {"source": {"volume": "datasets"}},
    "spec.model": UNSET,
    "spec.task": UNSET,
    "spec.evaluation": UNSET,
}
"""The example with a user's program."""
UNDER_TORCHRUN: Change = {
    **OWN,
    "spec.entrypoint": {"module": "train", "mode": "Torchrun"},
    "spec.training": {"steps": 300},
    "spec.checkpoint": {"volume": "checkpoints"},
}
IDLE: Change = {
    "model": {"layers": 3},
    "data.source.bundled": "python-stdlib",
    "data.tokenizer": {"vocabSize": 512},
    "data.heldOutPercent": 10,
    "training.dropout": "0.1",
    "checkpoint.keepBest": 2,
    "evaluation": {"sample": {"prompt": "class "}},
}
"""Fields without effect when a user's program runs."""
UNUSED_WITH_TORCHRUN: Change = {
    "training.microbatches": 16,
    "training.microbatchSize": 2,
    "training.optimizer": {"learningRate": "1e-3"},
    "training.warmupSteps": 5,
    "training.clipNorm": "2.0",
    "training.reduction": "Fast",
    "training.precision": "bfloat16",
    "checkpoint.everySteps": 50,
    "checkpoint.keepLast": 5,
    "recovery.hangSeconds": 60,
}
"""Further fields without effect in mode Torchrun."""

RULE_CASES: tuple[Case, ...] = (
    Case(sentence="the unchanged example", change={}),
    Case(
        sentence="the longest name",
        change={"metadata.name": "a" * MAX_JOB_NAME_LENGTH},
    ),
    Case(
        sentence="a name one character too long",
        change={"metadata.name": "a" * (MAX_JOB_NAME_LENGTH + 1)},
        refusal=f"metadata.name must have at most {MAX_JOB_NAME_LENGTH} characters",
    ),
    Case(
        sentence="a name with digits and '-' in it",
        change={"metadata.name": "gpt-2-test"},
    ),
    Case(
        sentence="a name that begins with a digit",
        change={"metadata.name": "2gpt"},
        refusal="metadata.name must begin with a letter",
    ),
    Case(
        sentence="a name with a dot",
        change={"metadata.name": "gpt.two"},
        refusal="metadata.name must begin with a letter",
    ),
    Case(
        sentence="min equal to replicas",
        change={"spec.workers.min": 2, "spec.workers.replicas": 2},
    ),
    Case(
        sentence="min greater than replicas",
        change={"spec.workers.min": 3, "spec.workers.replicas": 2},
        refusal="spec.workers.min must not be greater than spec.workers.replicas",
    ),
    Case(
        sentence="replicas equal to max",
        change={"spec.workers.replicas": 4, "spec.workers.max": 4},
    ),
    Case(
        sentence="replicas greater than max",
        change={"spec.workers.replicas": 5, "spec.workers.max": 4},
        refusal="spec.workers.replicas must not be greater than spec.workers.max",
    ),
    Case(
        sentence="a variable of the user",
        change={"spec.workers.env": [{"name": "NCCL_DEBUG", "value": "INFO"}]},
    ),
    Case(
        sentence="a variable with the reserved prefix",
        change={"spec.workers.env": [{"name": "LLMTRAIN_JOB", "value": "other"}]},
        refusal="spec.workers.env must not set variables with the reserved prefix LLMTRAIN_",
    ),
    Case(
        sentence="as many ranks as microbatches, on CPUs",
        change={"spec.workers.replicas": 8, "spec.workers.max": 8, "spec.training.microbatches": 8},
    ),
    Case(
        sentence="as many ranks as microbatches, on GPUs",
        change={"spec.workers.replicas": 2, "spec.workers.gpus": 4, "spec.training.microbatches": 8},
    ),
    Case(
        sentence="more ranks than microbatches, on GPUs",
        change={"spec.workers.replicas": 2, "spec.workers.gpus": 8, "spec.training.microbatches": 8},
        refusal="must not be greater than spec.training.microbatches",
    ),
    Case(
        sentence="more workers than microbatches, on CPUs",
        change={"spec.workers.replicas": 4, "spec.training.microbatches": 3},
        refusal="must not be greater than spec.training.microbatches",
    ),
    Case(sentence="text from a path", change=PATH_SOURCE),
    Case(
        sentence="text from a path and from the image",
        change={f"{SOURCE}.path": "books"},
        refusal="spec.data.source must have exactly one of path and bundled",
    ),
    Case(
        sentence="no text",
        change={f"{SOURCE}.bundled": UNSET},
        refusal="spec.data.source must have exactly one of path and bundled",
    ),
    Case(
        sentence="a path whose names begin with dots",
        change={**PATH_SOURCE, f"{SOURCE}.path": ".hidden/..name/file..txt"},
    ),
    Case(
        sentence="an absolute path",
        change={**PATH_SOURCE, f"{SOURCE}.path": "/etc"},
        refusal="spec.data.source.path must be relative to the root of the volume",
    ),
    Case(
        sentence="a path that leaves the volume",
        change={**PATH_SOURCE, f"{SOURCE}.path": "books/../../etc"},
        refusal="spec.data.source.path must be relative to the root of the volume",
    ),
    Case(
        sentence="query heads that share key and value heads evenly",
        change={"spec.model.heads": 8, "spec.model.kvHeads": 2},
    ),
    Case(
        sentence="query heads that cannot share key and value heads evenly",
        change={"spec.model.heads": 8, "spec.model.kvHeads": 3},
        refusal="spec.model.heads must be a multiple of spec.model.kvHeads",
    ),
    Case(sentence="a user's program", change=OWN),
    Case(sentence="a program in the image", change={**OWN, "spec.entrypoint": {"script": "/opt/train.py"}}),
    Case(sentence="a program with data on a path", change={**OWN, "spec.data.source.path": "pictures"}),
    Case(
        sentence="both a module and a script",
        change={**OWN, "spec.entrypoint": {"script": "train.py", "module": "train"}},
        refusal="spec.entrypoint must have exactly one of module and script",
    ),
    Case(
        sentence="neither a module nor a script",
        change={**UNDER_TORCHRUN, "spec.entrypoint": {"mode": "Torchrun"}},
        refusal="spec.entrypoint must have exactly one of module and script",
    ),
    Case(
        sentence="a script that leaves the volume",
        change={**OWN, "spec.entrypoint": {"script": "../train.py"}},
        refusal="spec.entrypoint.script must not contain '..'",
    ),
    Case(sentence="a program for torchrun", change=UNDER_TORCHRUN),
    Case(
        sentence="a program for torchrun, and more workers than microbatches",
        change={**UNDER_TORCHRUN, "spec.workers": {"replicas": 12}},
    ),
    Case(
        sentence="a program with more workers than microbatches",
        change={**OWN, "spec.workers": {"replicas": 12}},
        refusal="must not be greater than spec.training.microbatches",
    ),
    Case(sentence="a program that uses the optimizer", change={**OWN, "spec.training.warmupSteps": 5}),
    *(
        Case(
            sentence=f"a program with {field}",
            change={**OWN, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with spec.entrypoint; remove it",
        )
        for field, value in IDLE.items()
    ),
    *(
        Case(
            sentence=f"a program for torchrun with {field}",
            change={**UNDER_TORCHRUN, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with spec.entrypoint in mode Torchrun; remove it",
        )
        for field, value in UNUSED_WITH_TORCHRUN.items()
    ),
)
"""Accepted and rejected jobs for every cross-field rule."""

SHAPE_CASES: tuple[Case, ...] = (
    Case(
        sentence="an invalid module name",
        change={**OWN, "spec.entrypoint": {"module": "train.py; rm"}},
        refusal="spec.entrypoint.module",
    ),
    Case(
        sentence="an unknown mode",
        change={**OWN, "spec.entrypoint": {"script": "train.py", "mode": "MPI"}},
        refusal='spec.entrypoint.mode: Unsupported value: "MPI"',
    ),
    Case(
        sentence="too many arguments",
        change={**OWN, "spec.entrypoint": {"script": "train.py", "arguments": ["x"] * 65}},
        refusal="spec.entrypoint.arguments: Too many",
    ),
    Case(
        sentence="an unknown field of the spec",
        change={"spec.worker": 2},
        refusal='unknown field "spec.worker"',
    ),
    Case(
        sentence="an unknown field inside a list",
        change={"spec.workers.env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        refusal='unknown field "spec.workers.env[0].valueFrom"',
    ),
    Case(
        sentence="a service account, which could escalate privileges",
        change={"spec.workers.serviceAccountName": "default"},
        refusal='unknown field "spec.workers.serviceAccountName"',
    ),
    Case(sentence="no training at all", change={"spec.training": UNSET}, refusal="spec.training: Required value"),
    Case(sentence="no spec at all", change={"spec": UNSET}, refusal="spec: Required value"),
    Case(
        sentence="a number written as a string",
        change={"spec.training.steps": "300"},
        refusal='spec.training.steps: Invalid value: "string"',
    ),
    Case(
        sentence="a learning rate written as a number",
        change={"spec.training.optimizer.learningRate": 0.003},
        refusal='spec.training.optimizer.learningRate: Invalid value: "number"',
    ),
    Case(
        sentence="a learning rate that isn't a number",
        change={"spec.training.optimizer.learningRate": "NaN"},
        refusal="spec.training.optimizer.learningRate",
    ),
    Case(
        sentence="a negative learning rate",
        change={"spec.training.optimizer.learningRate": "-1e-3"},
        refusal="spec.training.optimizer.learningRate",
    ),
    Case(sentence="a list instead of a map", change={"spec.workers": []}, refusal="spec.workers: Invalid value"),
    Case(
        sentence="a string instead of a boolean", change={"spec.suspend": "yes"}, refusal="spec.suspend: Invalid value"
    ),
    Case(sentence="no steps", change={"spec.training.steps": 0}, refusal="spec.training.steps"),
    Case(sentence="too many steps", change={"spec.training.steps": 100_000_001}, refusal="spec.training.steps"),
    Case(sentence="negative workers", change={"spec.workers.min": -1}, refusal="spec.workers.min"),
    Case(
        sentence="more workers than the maximum",
        change={"spec.workers.max": MAX_WORKERS + 1},
        refusal="spec.workers.max",
    ),
    Case(sentence="more GPUs than a node has", change={"spec.workers.gpus": 17}, refusal="spec.workers.gpus"),
    Case(
        sentence="memory without a sensible unit",
        change={"spec.workers.resources.memory": "2GB"},
        refusal="spec.workers.resources.memory",
    ),
    Case(
        sentence="an unknown preset",
        change={"spec.model.preset": "huge"},
        refusal='spec.model.preset: Unsupported value: "huge"',
    ),
    Case(
        sentence="a volume that is not an object name",
        change={"spec.checkpoint.volume": "../other"},
        refusal="spec.checkpoint.volume",
    ),
    Case(
        sentence="a path that is too long",
        change={**PATH_SOURCE, f"{SOURCE}.path": "a" * 513},
        refusal="spec.data.source.path: Too long",
    ),
    Case(
        sentence="too many environment variables",
        change={"spec.workers.env": [{"name": f"V{number}"} for number in range(65)]},
        refusal="spec.workers.env: Too many",
    ),
    Case(
        sentence="too many node labels",
        change={"spec.workers.nodeSelector": {f"label-{number}": "x" for number in range(17)}},
        refusal="spec.workers.nodeSelector: Too many",
    ),
    Case(
        sentence="a variable with an invalid name",
        change={"spec.workers.env": [{"name": "A=B"}]},
        refusal="spec.workers.env[0].name",
    ),
    Case(sentence="no metric", change={"spec.evaluation.metrics": []}, refusal="spec.evaluation.metrics"),
)
"""Jobs that the schema rejects."""

EDITS: tuple[Edit, ...] = (
    Edit(field="cluster", change={"spec.cluster": "other"}),
    Edit(field="image", change={"spec.image": "example.org/trainer:2"}),
    Edit(field="entrypoint", change={"spec.entrypoint": {"script": "other.py"}}, before=OWN),
    Edit(field="model", change={"spec.model.layers": 3}),
    Edit(field="data", change={"spec.data.heldOutPercent": 10}),
    Edit(field="training", change={"spec.training.steps": 400}),
    Edit(field="checkpoint", change={"spec.checkpoint.everySteps": 50}),
    Edit(field="evaluation", change={"spec.evaluation.everySteps": 50}),
    Edit(field="workers.gpus", change={"spec.workers.gpus": 1}),
    Edit(field="workers.resources", change={"spec.workers.resources": {"cpu": "2", "memory": "2Gi"}}),
    Edit(field="recovery.hangSeconds", change={"spec.recovery.hangSeconds": 60}),
)
"""An edit of each immutable field. `task` has only one value and cannot be edited."""

ALLOWED_EDITS: tuple[Edit, ...] = (
    Edit(field="workers.replicas", change={"spec.workers.replicas": 3}),
    Edit(field="suspend", change={"spec.suspend": True}),
    Edit(field="recovery", change={"spec.recovery.maxFailures": 20}),
    Edit(field="ttlSecondsAfterFinished", change={"spec.ttlSecondsAfterFinished": 60}),
)
"""Edits that are allowed after the start."""
