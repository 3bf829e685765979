"""The settings that the results of a run depend on, and how they differ from those of an earlier run."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from llmtrain_api.job import JobSpec

FIXED_FIELDS = ("entrypoint", "model", "task", "data", "training")
"""Fields of the spec that checkpoints depend on."""
MAY_CHANGE = frozenset(
    {"spec.training.steps", "spec.training.epochs", "spec.training.badSteps", "spec.training.onBadStep"}
)
"""Parts of them that decide how long a job trains, and not what a step computes. The trainer compares the steps with those
that a checkpoint has done."""


def fixed_settings(spec: JobSpec) -> dict[str, Any]:
    """Return the settings that checkpoints depend on, in JSON types."""
    document = spec.document()
    return {name: document[name] for name in FIXED_FIELDS if name in document}


def changed_settings(before: Mapping[str, Any], spec: JobSpec) -> list[str]:
    """Return each setting that `spec` has another value of than an earlier run, with both values."""
    now = fixed_settings(spec)
    changes = _changes(_with_defaults(before, spec), now, "spec")
    return [f"{path} ({_shown(old)} before, {_shown(new)} now)" for path, old, new in changes if path not in MAY_CHANGE]


def _with_defaults(before: Mapping[str, Any], spec: JobSpec) -> Mapping[str, Any]:
    """Return the settings of an earlier run with the defaults of fields that its version did not know."""
    others = {name: value for name, value in spec.document().items() if name not in FIXED_FIELDS}
    try:
        return fixed_settings(JobSpec.from_server({**others, **before}))
    except ValidationError:
        return before


def _changes(before: object, now: object, path: str) -> Iterator[tuple[str, object, object]]:
    """Yield path, old and new value of each field that differs; None stands for one that is not set."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted(before.keys() | now.keys()):
            yield from _changes(before.get(name), now.get(name), f"{path}.{name}")
    elif before != now:
        yield path, before, now


def _shown(value: object) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)
