"""Cross-field rules of a job: each as an error message, a CEL expression and a Python check.

The API server evaluates the CEL at `kubectl apply`; local mode and `llmtrain validate` run the Python.
The contract tests run both on the same jobs.
"""

import re
from collections.abc import Iterable

from llmtrain_api.column_rules import COLUMN_RULES
from llmtrain_api.defaults import is_default, is_default_cel
from llmtrain_api.job import JobSpec
from llmtrain_api.mixture_rules import MIXTURE_RULES
from llmtrain_api.model_rules import MODEL_RULES
from llmtrain_api.names import MAX_JOB_NAME_LENGTH, MAX_RANKS
from llmtrain_api.pod_rules import POD_RULES
from llmtrain_api.rule import Immutable, Rule, inside_volume_rule
from llmtrain_api.task_rules import TASK_RULES
from llmtrain_api.training_rules import TRAINING_RULES

TORCHRUN = "has(self.entrypoint) && self.entrypoint.mode == 'Torchrun'"


def torchrun(spec: JobSpec) -> bool:
    """Return whether the job runs a user's program in mode Torchrun."""
    return spec.entrypoint is not None and spec.entrypoint.mode == "Torchrun"


def unused_field_rule(field: str, *, only_torchrun: bool) -> Rule:
    """Return the rule that rejects a value other than the default for a `field` without effect."""
    mode = " in mode Torchrun" if only_torchrun else ""
    here = TORCHRUN if only_torchrun else "has(self.entrypoint)"

    def violated(name: str, spec: JobSpec) -> bool:
        applies = torchrun(spec) if only_torchrun else spec.entrypoint is not None
        return applies and not is_default(spec, field)

    return Rule(
        path="spec",
        field=f"spec.{field}",
        cel=f"!({here}) || ({is_default_cel(field)})",
        message=f"spec.{field} has no effect with spec.entrypoint{mode}; remove it",
        violated=violated,
    )


NAME_PATTERN = "^[a-z]([-a-z0-9]*[a-z0-9])?$"

UNUSED_WITH_ENTRYPOINT = (
    "model",
    "task",
    "data.source.bundled",
    "data.mixture",
    "data.tokenizer",
    "data.columns",
    "data.format",
    "data.maxTokens",
    "data.heldOut",
    "data.heldOutPercent",
    "data.prepareWorkers",
    "data.onBadText",
    "data.onBadRecord",
    "data.duplicates",
    "data.personalData",
    "data.personalPatterns",
    "training.dropout",
    "training.labelSmoothing",
    "training.classWeights",
    "training.augment",
    "training.average",
    "checkpoint.keepBest",
    "evaluation",
)
"""Fields of the spec without effect when the workers run a user's program."""
UNUSED_WITH_TORCHRUN = (
    "training.microbatches",
    "training.microbatchSize",
    "training.optimizer",
    "training.warmupSteps",
    "training.schedule",
    "training.clipNorm",
    "training.onBadStep",
    "training.badSteps",
    "training.reduction",
    "training.precision",
    "checkpoint.everySteps",
    "checkpoint.keepLast",
    "recovery.hangSeconds",
)
"""Further fields without effect when that program runs in mode Torchrun and keeps its own state."""

RULES: tuple[Rule, ...] = (
    Rule(
        path="",
        field="metadata.name",
        cel=f"self.metadata.name.size() <= {MAX_JOB_NAME_LENGTH}",
        message=f"metadata.name must have at most {MAX_JOB_NAME_LENGTH} characters, so that the names of the job's pods fit; choose a shorter name",
        violated=lambda name, spec: len(name) > MAX_JOB_NAME_LENGTH,
    ),
    Rule(
        path="",
        field="metadata.name",
        cel=f"self.metadata.name.matches('{NAME_PATTERN}')",
        message="metadata.name must begin with a letter, end with a letter or digit, and consist of lower-case letters, digits and '-', because a Service gets the name; choose another name",
        violated=lambda name, spec: re.fullmatch(NAME_PATTERN, name) is None,
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.min",
        cel="self.min <= self.replicas",
        message="spec.workers.min must not be greater than spec.workers.replicas; lower min or raise replicas",
        violated=lambda name, spec: spec.workers.min > spec.workers.replicas,
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.replicas",
        cel="self.replicas <= self.max",
        message="spec.workers.replicas must not be greater than spec.workers.max; lower replicas or raise max",
        violated=lambda name, spec: spec.workers.replicas > spec.workers.max,
    ),
    Rule(
        path="spec.workers",
        field="spec.workers.replicas",
        cel=f"self.replicas * (self.gpus > 0 ? self.gpus : 1) <= {MAX_RANKS}",
        message=f"spec.workers.replicas times the ranks of a worker (its GPUs, or 1) must not be greater than {MAX_RANKS}, which one coordinator serves; lower replicas",
        violated=lambda name, spec: spec.workers.replicas * spec.workers.ranks > MAX_RANKS,
    ),
    *POD_RULES,
    Rule(
        path="spec",
        field="spec.workers.replicas",
        cel=f"({TORCHRUN}) || self.workers.replicas * (self.workers.gpus > 0 ? self.workers.gpus : 1) <= self.training.microbatches",
        message="spec.workers.replicas times the ranks of a worker (its GPUs, or 1) must not be greater than spec.training.microbatches, because each rank needs a microbatch; raise microbatches or lower replicas",
        violated=lambda name, spec: (
            not torchrun(spec) and spec.workers.replicas * spec.workers.ranks > spec.training.microbatches
        ),
    ),
    Rule(
        path="spec",
        field="spec.data.source",
        cel="has(self.entrypoint) || has(self.data.source.path) != has(self.data.source.bundled)",
        message="spec.data.source must have exactly one of path and bundled; set one and remove the other",
        violated=lambda name, spec: (
            spec.entrypoint is None and (spec.data.source.path is None) == (spec.data.source.bundled is None)
        ),
    ),
    inside_volume_rule("spec.data.source", "spec.data.source.path", "self", lambda spec: spec.data.source.path),
    *MIXTURE_RULES,
    *TRAINING_RULES,
    *MODEL_RULES,
    *TASK_RULES,
    *COLUMN_RULES,
    Rule(
        path="spec.entrypoint",
        field="spec.entrypoint",
        cel="has(self.module) != has(self.script)",
        message="spec.entrypoint must have exactly one of module and script; set one and remove the other",
        violated=lambda name, spec: (
            spec.entrypoint is not None and (spec.entrypoint.module is None) == (spec.entrypoint.script is None)
        ),
    ),
    Rule(
        path="spec.entrypoint",
        field="spec.entrypoint.script",
        cel="!has(self.script) || !self.script.split('/').exists(p, p == '..')",
        message="spec.entrypoint.script must not contain '..'; use a path relative to the root of the volume",
        violated=lambda name, spec: spec.entrypoint is not None and ".." in (spec.entrypoint.script or "").split("/"),
    ),
    Rule(
        path="spec",
        field="spec.training.epochs",
        cel="!has(self.entrypoint) || !has(self.training.epochs) || has(self.training.steps)",
        message="spec.training.epochs can't be counted with spec.entrypoint, because only the program knows its data; set "
        "steps instead",
        violated=lambda name, spec: (
            spec.entrypoint is not None and spec.training.epochs is not None and spec.training.steps is None
        ),
    ),
    Rule(
        path="spec",
        field="spec.recovery.silentSeconds",
        cel=f"!has(self.recovery.silentSeconds) || ({TORCHRUN})",
        message="spec.recovery.silentSeconds has an effect only with spec.entrypoint in mode Torchrun; use hangSeconds",
        violated=lambda name, spec: spec.recovery.silent_seconds is not None and not torchrun(spec),
    ),
    Rule(
        path="spec.recovery",
        field="spec.recovery.rules",
        cel="!has(self.rules) || self.rules.all(r, (has(r.exitCodes) && r.exitCodes.size() > 0) || (has(r.reasons) && r.reasons.size() > 0))",
        message="spec.recovery.rules must have exitCodes or reasons in each rule; set one of them",
        violated=lambda name, spec: any(not rule.exit_codes and not rule.reasons for rule in spec.recovery.rules),
    ),
    *(unused_field_rule(field, only_torchrun=False) for field in UNUSED_WITH_ENTRYPOINT),
    *(unused_field_rule(field, only_torchrun=True) for field in UNUSED_WITH_TORCHRUN),
)

IMMUTABLE: tuple[Immutable, ...] = tuple(
    Immutable(field=field, optional=field in ("entrypoint", "recovery.silentSeconds"))
    for field in (
        "cluster",
        "image",
        "entrypoint",
        "model",
        "task",
        "data",
        "training",
        "checkpoint",
        "evaluation",
        "workers.gpus",
        "workers.resources",
        "scheduling",
        "securityContext",
        "recovery.hangSeconds",
        "recovery.silentSeconds",
        "recovery.gracePeriodSeconds",
    )
)

IMMUTABLE_WHILE_RUNNING: tuple[Immutable, ...] = (
    Immutable(field="workers.pools", optional=True, unless_suspended=True),
)
"""Fields that can change again while the job is suspended."""


def violations(name: str, spec: JobSpec) -> Iterable[str]:
    """Yield the message of each rule that a job with this name and spec violates."""
    return (rule.message for rule in RULES if rule.violated(name, spec))
