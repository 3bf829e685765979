"""What a checkpoint depends on besides its step, and its comparison with the job that resumes from it.

The shape of the weights is not enough: with another tokenizer of the same size each token means something else, and with
another learning rate the result is that of neither job. The manifest records the *identity* of the training, by the
job's field. It is compared before any weight is read. Manifests of earlier versions have fewer fields: those that both
sides have are compared.
"""

import json
from collections.abc import Mapping
from typing import Any

from llmtrain_api.augment import LEXICON_FIELD, SHARE_FIELD
from llmtrain_api.job import Training
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.checkpointable import Checkpointable
from llmtrain_trainer.checkpoint.manifest import Manifest
from llmtrain_trainer.errors import BadInput

MAY_CHANGE = frozenset({"steps", "epochs", "bad_steps", "on_bad_step"})
"""Fields of spec.training that decide how long it trains and when it gives up, and not what a step computes."""
NEW_FIELDS = {"spec.training.average": "0.0", SHARE_FIELD: "0.0", LEXICON_FIELD: ""}
"""What fields were set to, as it were, in versions that did not have them, where that can differ from the job's value."""
PROGRAM = "spec.entrypoint"
"""Part of the identity of a job that runs a program of the user's."""
START_OVER = "create a new job; `llmtrain run --fresh` deletes the results and starts over"


def job_identity(run: RunConfig, of_task: Mapping[str, str]) -> dict[str, str]:
    """Return what the weights after a step depend on, by field. `of_task` is the part of it that the task knows."""
    training = run.training.model_dump(by_alias=True, exclude={*MAY_CHANGE, "augment"})
    identity = {"spec.workers.gpus": run.device, "spec.task.name": run.task.name, **_flat("spec.training", training)}
    # Of the lexicon the content counts, which the task knows, and not the name of its file.
    identity[SHARE_FIELD] = _text(run.training.augment.share if run.training.augment else 0)
    identity["spec.evaluation.best"] = run.evaluation.best  # checkpoints are compared by it
    if stops := run.evaluation.stop_after is not None:  # the best evaluation is known since the training began
        identity["spec.evaluation.everySteps"] = str(run.evaluation.every_steps)
    identity["spec.evaluation.stopAfter"] = "a number" if stops else "none"
    if weights := run.data.weights:
        identity["spec.data.mixture"] = ", ".join(f"{name}: {weight}" for name, weight in weights.items())
    if run.entrypoint is not None:
        identity[PROGRAM] = run.entrypoint.name
        identity["spec.entrypoint.arguments"] = json.dumps(run.entrypoint.arguments)
    return {**identity, **of_task}


def require_same_identity(state: Checkpointable, manifest: Manifest, name: str) -> None:
    """Raise BadInput, with the field and both values, if the checkpoint `name` is of another training than `state`."""
    if manifest.dataset != state.data_name:
        raise BadInput(_other_data(state, manifest, name))
    for setting, now in state.identity.items():
        saved = manifest.identity.get(setting, NEW_FIELDS.get(setting, now))
        if saved != now:
            raise BadInput(
                f"{setting}: {name} was trained with {_shown(saved)}, but the job now has {_shown(now)}; set it back, or "
                f"{START_OVER}"
            )
    if manifest.step > state.training.total_steps:
        raise BadInput(too_few_steps(name, manifest.step, state.training))


def require_same_numerics(state: Checkpointable, manifest: Manifest, name: str) -> None:
    """Raise BadInput if training that continues from the checkpoint `name` would give other bits than it promises."""
    if state.exact and manifest.numerics != state.numerics:
        raise BadInput(
            f"spec.training.reduction: {name} was computed with {manifest.numerics or 'unknown numerics'}, this "
            f"worker computes with {state.numerics}, which gives other bits; use nodes and an image like those before, or "
            "create a new job with reduction Fast"
        )


def too_few_steps(name: str, done: int, training: Training) -> str:
    """Return a message about a job that trains for fewer steps than its checkpoint `name` has done."""
    remedy = f"set steps to at least {done}" if training.epochs is None else "raise epochs"
    return (
        f"{training.length_field}: {name} has done {done} steps, more than the {training.total_steps} of the job; {remedy}, "
        f"or {START_OVER}"
    )


def _other_data(state: Checkpointable, manifest: Manifest, name: str) -> str:
    """Return a message about a checkpoint of another dataset, or of another program."""
    if PROGRAM in state.identity:
        return (
            f"{PROGRAM}: {name} was trained by {manifest.dataset}, but the job now runs {state.data_name}; set it back, or "
            f"{START_OVER}"
        )
    return (
        f"spec.data: {name} was trained on dataset {manifest.dataset}, but the job now has dataset {state.data_name}: "
        f"the text, the tokenizer or the split is another one; restore the text and the settings, or {START_OVER}"
    )


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return nested settings by their full name."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        flat |= _flat(f"{prefix}.{name}", value) if isinstance(value, Mapping) else {f"{prefix}.{name}": _text(value)}
    return flat


def _text(value: object) -> str:
    """Return a value as text, equal for equal numbers such as "1e-2" and "0.01"."""
    try:
        return repr(float(str(value)))
    except ValueError:
        return str(value)


def _shown(value: str) -> str:
    return value.removesuffix(".0") or "nothing"
