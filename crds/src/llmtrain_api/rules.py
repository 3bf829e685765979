"""Cross-field rules of a job. Each is said three times in one place: as a sentence, in CEL, in Python.

The API server evaluates the CEL at `kubectl apply`; local mode and `llmtrain validate` run the Python.
The contract tests hold both against the same jobs.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from llmtrain_api.job import JobSpec
from llmtrain_api.names import LONGEST_JOB_NAME


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `path` is where in the schema it stands, such as "spec.workers"; "" is the whole object."""

    path: str
    field: str
    cel: str
    message: str
    broken: Callable[[str, JobSpec], bool]
    """Whether a job of this name and spec breaks the rule."""


@dataclass(frozen=True, kw_only=True)
class Immutable:
    """A part of the spec that can't change once the job has started."""

    field: str

    @property
    def cel(self) -> str:
        """CEL over the whole object."""
        started = "has(oldSelf.status) && has(oldSelf.status.startTime)"
        return f"!({started}) || self.spec.{self.field} == oldSelf.spec.{self.field}"

    @property
    def message(self) -> str:
        """Sentence for whoever tries."""
        return f"spec.{self.field} can't be changed once the job has started; delete the job and create it anew"


NAME_PATTERN = "^[a-z]([-a-z0-9]*[a-z0-9])?$"

RULES: tuple[Rule, ...] = (
    Rule(
        path="",
        field="metadata.name",
        cel=f"self.metadata.name.size() <= {LONGEST_JOB_NAME}",
        message=f"metadata.name must have at most {LONGEST_JOB_NAME} characters, so that the names of the job's pods fit; choose a shorter name",
        broken=lambda name, spec: len(name) > LONGEST_JOB_NAME,
    ),
    Rule(
        path="",
        field="metadata.name",
        cel=f"self.metadata.name.matches('{NAME_PATTERN}')",
        message="metadata.name must begin with a letter and hold only lower-case letters, digits and '-', since the job's Service is named after it",
        broken=lambda name, spec: re.fullmatch(NAME_PATTERN, name) is None,
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.min",
        cel="self.min <= self.replicas",
        message="spec.workers.min must not be greater than spec.workers.replicas; lower min or raise replicas",
        broken=lambda name, spec: spec.workers.min > spec.workers.replicas,
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.replicas",
        cel="self.replicas <= self.max",
        message="spec.workers.replicas must not be greater than spec.workers.max; lower replicas or raise max",
        broken=lambda name, spec: spec.workers.replicas > spec.workers.max,
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.env",
        cel="!has(self.env) || self.env.all(e, !e.name.startsWith('LLMTRAIN_'))",
        message="spec.workers.env must not set variables that begin with LLMTRAIN_, which are the operator's; choose another name",
        broken=lambda name, spec: any(variable.name.startswith("LLMTRAIN_") for variable in spec.workers.env),
    ),
    Rule(
        path="spec",
        field="spec.workers.replicas",
        cel="self.workers.replicas * (self.workers.gpus > 0 ? self.workers.gpus : 1) <= self.training.microbatches",
        message="spec.workers.replicas times the ranks of a worker (its GPUs, or 1) must not be greater than spec.training.microbatches, or ranks would have nothing to do; raise microbatches or lower replicas",
        broken=lambda name, spec: spec.workers.replicas * spec.workers.ranks > spec.training.microbatches,
    ),
    Rule(
        path="spec.data.source",
        field="spec.data.source",
        cel="has(self.path) != has(self.bundled)",
        message="spec.data.source must have one of path and bundled",
        broken=lambda name, spec: (spec.data.source.path is None) == (spec.data.source.bundled is None),
    ),
    Rule(
        path="spec.data.source",
        field="spec.data.source.path",
        cel="!has(self.path) || !(self.path.startsWith('/') || self.path.split('/').exists(p, p == '..'))",
        message="spec.data.source.path must be relative to the volume's root and must not contain '..'",
        broken=lambda name, spec: (
            (path := spec.data.source.path) is not None and (path.startswith("/") or ".." in path.split("/"))
        ),
    ),
    Rule(
        path="spec.model",
        field="spec.model.kvHeads",
        cel="!has(self.heads) || !has(self.kvHeads) || self.heads % self.kvHeads == 0",
        message="spec.model.heads must be a multiple of spec.model.kvHeads",
        broken=lambda name, spec: (
            spec.model.heads is not None
            and spec.model.kv_heads is not None
            and spec.model.heads % spec.model.kv_heads != 0
        ),
    ),
)

IMMUTABLE: tuple[Immutable, ...] = tuple(
    Immutable(field=field)
    for field in (
        "cluster",
        "image",
        "model",
        "task",
        "data",
        "training",
        "checkpoint",
        "evaluation",
        "workers.gpus",
        "workers.resources",
        "recovery.hangSeconds",
    )
)


def violations(name: str, spec: JobSpec) -> Iterable[str]:
    """Yield the sentence of every rule that a job of this name and spec breaks."""
    return (rule.message for rule in RULES if rule.broken(name, spec))
