"""The example job with changes, for cases of jobs that the API accepts or rejects."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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
"""The example with a program in mode Torchrun."""
