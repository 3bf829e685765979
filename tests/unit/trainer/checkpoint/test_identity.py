"""A checkpoint of another training is refused by the field that differs, with both values, before a weight is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_api.job import Training
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.identity import (
    MAY_CHANGE,
    job_identity,
    require_same_identity,
    require_same_numerics,
)
from llmtrain_trainer.checkpoint.manifest import Manifest
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import MakeCheckpointer, MakeRun, flip_last_bit, make_state, prose

TRAINING: dict[str, Any] = {
    "steps": 20,
    "microbatches": 4,
    "microbatchSize": 2,
    "warmupSteps": 2,
    "optimizer": {"learningRate": "1e-2"},
}
MODEL: dict[str, Any] = {"layers": 2, "width": 32, "heads": 4, "kvHeads": 2, "contextLength": 16}
CHANGES: list[Any] = [
    # path of the field, another value, what the message shows of both
    ("spec.training.microbatches", 8, "4", "8"),
    ("spec.training.microbatchSize", 1, "2", "1"),
    ("spec.training.warmupSteps", 3, "2", "3"),
    ("spec.training.schedule", "linear", "cosine", "linear"),
    ("spec.training.clipNorm", "0.5", "1", "0.5"),
    ("spec.training.dropout", "0.1", "0", "0.1"),
    ("spec.training.labelSmoothing", "0.1", "0", "0.1"),
    ("spec.training.classWeights", "Balanced", "Off", "Balanced"),
    ("spec.training.average", "0.99", "0", "0.99"),
    ("spec.training.augment.share", "0.10", "0", "0.1"),
    ("spec.training.reduction", "Fast", "Exact", "Fast"),
    ("spec.training.precision", "bfloat16", "float32", "bfloat16"),
    ("spec.training.seed", 1, "0", "1"),
    ("spec.training.optimizer.learningRate", "2e-2", "0.01", "0.02"),
    ("spec.training.optimizer.weightDecay", "0", "0.1", "0"),
    ("spec.training.optimizer.beta1", "0.8", "0.9", "0.8"),
    ("spec.training.optimizer.beta2", "0.99", "0.95", "0.99"),
    ("spec.evaluation.best", "accuracy", "loss", "accuracy"),
    ("spec.evaluation.stopAfter", 3, "none", "a number"),
    ("spec.model.layers", 3, "2", "3"),
    ("spec.model.width", 64, "32", "64"),
    ("spec.model.heads", 2, "4", "2"),
    ("spec.model.kvHeads", 1, "2", "1"),
    ("spec.model.contextLength", 8, "16", "8"),
]
"""One change for each field of the spec that the weights depend on."""
EQUAL: list[Any] = [
    ("spec.training.steps", 40),
    ("spec.training.epochs", 4),
    ("spec.training.optimizer.learningRate", "0.010"),
    ("spec.checkpoint.everySteps", 7),
    ("spec.evaluation.everySteps", 7),
]
"""Changes that the weights after a step don't depend on."""
ONE_VALUE = {"spec.training.optimizer.name"}
"""Fields that can have only one value today."""


@pytest.fixture
def make_changed(make_run: MakeRun, log: JsonLog) -> Callable[[str, Any], TrainState]:
    """Makes the state of the job with one field of its spec changed."""

    def make(path: str, value: Any) -> TrainState:
        sections: dict[str, Any] = {
            "model": dict(MODEL),
            "training": {**TRAINING, "optimizer": dict(TRAINING["optimizer"])},
            "checkpoint": {"volume": "checkpoints"},
            "evaluation": {},
        }
        _, *parents, last = path.split(".")
        section = sections
        for name in parents:
            section = section.setdefault(name, {})
        section[last] = value
        return make_state(make_run(**sections), log)

    return make


@pytest.fixture
def state(make_run: MakeRun, log: JsonLog) -> TrainState:
    return make_state(make_run(model=MODEL, training=TRAINING), log)


@pytest.fixture
def manifest(state: TrainState) -> Manifest:
    """The manifest of a checkpoint after two steps."""
    return Manifest(
        step=2,
        time="",
        job="job",
        dataset=state.data_name,
        parameters=state.num_parameters,
        numerics=state.numerics,
        identity=state.identity,
        files={},
    )


def test_every_field_of_the_training_is_compared_or_known_not_to_matter() -> None:
    names = {f"spec.training.{each.alias or name}": name for name, each in Training.model_fields.items()}
    compared = {path for path, *_ in CHANGES} | ONE_VALUE
    for path, name in names.items():
        assert name in MAY_CHANGE or any(each == path or each.startswith(f"{path}.") for each in compared), path


@pytest.mark.parametrize(("path", "value", "before", "after"), CHANGES)
def test_a_changed_field_is_refused_with_both_values(
    path: str,
    value: Any,
    before: str,
    after: str,
    manifest: Manifest,
    make_changed: Callable[[str, Any], TrainState],
) -> None:
    with pytest.raises(BadInput) as error:
        require_same_identity(make_changed(path, value), manifest, "step-00000002")
    expected = f"{path}: step-00000002 was trained with {before}, but the job now has {after}; set it back, or "
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize(("path", "value"), EQUAL)
def test_a_field_that_the_weights_do_not_depend_on_may_change(
    path: str, value: Any, manifest: Manifest, make_changed: Callable[[str, Any], TrainState]
) -> None:
    require_same_identity(make_changed(path, value), manifest, "step-00000002")


def test_a_manifest_with_any_one_field_changed_is_refused(state: TrainState, manifest: Manifest) -> None:
    require_same_identity(state, manifest, "step-00000002")
    for setting in manifest.identity:
        changed = manifest.model_copy(update={"identity": {**manifest.identity, setting: "another"}})
        with pytest.raises(BadInput, match=r"was trained with another, but the job now has ") as error:
            require_same_identity(state, changed, "step-00000002")
        assert str(error.value).startswith(f"{setting}: ")
    with pytest.raises(BadInput, match=rf"^spec\.data: .* dataset another, .* dataset {state.data_name}: "):
        require_same_identity(state, manifest.model_copy(update={"dataset": "another"}), "step-00000002")
    with pytest.raises(BadInput, match="computed with another, this worker computes with"):
        require_same_numerics(state, manifest.model_copy(update={"numerics": "another"}), "step-00000002")


def test_fields_of_the_manifest_that_do_not_matter_may_change(state: TrainState, manifest: Manifest) -> None:
    other = {"job": "another", "time": "2026-01-01T00:00:00Z", "held_out_loss": 3.0}
    require_same_identity(state, manifest.model_copy(update=other), "step-00000002")


def test_the_numerics_of_a_fast_training_may_change(
    manifest: Manifest, make_changed: Callable[[str, Any], TrainState]
) -> None:
    fast = make_changed("spec.training.reduction", "Fast")
    require_same_numerics(fast, manifest.model_copy(update={"numerics": "another"}), "step-00000002")


def test_a_manifest_of_an_earlier_version_is_compared_by_what_it_has(state: TrainState, manifest: Manifest) -> None:
    earlier = manifest.model_copy(update={"identity": {}})
    require_same_identity(state, earlier, "step-00000002")
    with pytest.raises(BadInput, match=r"^spec\.data: "):
        require_same_identity(state, earlier.model_copy(update={"dataset": "another"}), "step-00000002")


def test_steps_below_those_done_are_refused(manifest: Manifest, make_changed: Callable[[str, Any], TrainState]) -> None:
    lowered = make_changed("spec.training.steps", 3)
    require_same_identity(lowered, manifest, "step-00000002")
    with pytest.raises(BadInput, match=r"^spec\.training\.steps: step-00000004 has done 4 steps, more than the 3 of"):
        require_same_identity(lowered, manifest.model_copy(update={"step": 4}), "step-00000004")


def test_fewer_epochs_than_the_steps_done_are_refused(
    manifest: Manifest, make_changed: Callable[[str, Any], TrainState]
) -> None:
    state = make_changed("spec.training.steps", 3)
    state.training = state.training.model_copy(update={"epochs": 1})
    with pytest.raises(
        BadInput, match=r"^spec\.training\.epochs: step-00000004 has done 4 .* of the job; raise epochs, or"
    ):
        require_same_identity(state, manifest.model_copy(update={"step": 4}), "step-00000004")


def test_a_program_is_part_of_the_identity(make_program_run: MakeRun) -> None:
    def identity_of(**entrypoint: object) -> dict[str, str]:
        run: RunConfig = make_program_run(**entrypoint)
        return job_identity(run, {})

    program = identity_of(script="train.py", arguments=["--width", "64"])
    assert program == identity_of(script="train.py", arguments=["--width", "64"])
    assert program != identity_of(script="train.py", arguments=["--width", "32"])
    assert program != identity_of(script="other.py", arguments=["--width", "64"])


def test_the_weights_of_a_mixture_are_part_of_the_identity_and_only_if_there_is_one(make_run: MakeRun) -> None:
    run: RunConfig = make_run()

    def identity_of(**mixture: int) -> dict[str, str]:
        return job_identity(run.model_copy(update={"data": run.data.model_copy(update={"mixture": mixture})}), {})

    assert "spec.data.mixture" not in job_identity(run, {})
    assert identity_of(wiki=1, books=3)["spec.data.mixture"] == "books: 3, wiki: 1"
    assert identity_of(books=6, wiki=2) == identity_of(wiki=1, books=3) != identity_of(wiki=3, books=1)


def test_the_folders_of_a_job_are_not_part_of_the_identity(make_run: MakeRun) -> None:
    run: RunConfig = make_run()
    moved = run.model_copy(update={"data_directory": "/elsewhere", "job_directory": "/elsewhere/job", "uid": "other"})
    assert job_identity(moved, {}) == job_identity(run, {})


def test_other_text_is_refused_before_a_weight_is_read(
    make_run: MakeRun,
    make_checkpointer: MakeCheckpointer,
    checkpoints: CheckpointStore,
    log: JsonLog,
    volume: Path,
) -> None:
    """With other text the tokenizer has the same size, and each token another meaning."""
    before = make_state(make_run(), log)
    before.step = 2
    checkpointer = make_checkpointer(before)
    checkpointer.save()
    checkpointer.require_saved()
    flip_last_bit(checkpoints.path(2) / "weights.safetensors")
    (volume / "text" / "more.txt").write_text(prose(4000, seed=99)[::-1])
    after = make_state(make_run(), log)
    assert after.num_parameters == before.num_parameters
    with pytest.raises(BadInput, match=rf"dataset {before.data_name}, but the job now has dataset {after.data_name}"):
        restore(after, checkpoints, log)


def test_an_average_that_is_new_is_refused_for_a_checkpoint_of_a_version_without_it(
    state: TrainState, manifest: Manifest, make_changed: Callable[[str, Any], TrainState]
) -> None:
    identity = {name: value for name, value in manifest.identity.items() if name != "spec.training.average"}
    before = manifest.model_copy(update={"identity": identity})
    require_same_identity(state, before, "step-00000002")
    with pytest.raises(
        BadInput, match=r"spec\.training\.average: step-00000002 was trained with 0, but the job now has 0\.99"
    ):
        require_same_identity(make_changed("spec.training.average", "0.99"), before, "step-00000002")


def test_a_lexicon_that_is_new_is_refused_for_a_checkpoint_of_a_version_without_it(
    state: TrainState, manifest: Manifest
) -> None:
    state.identity = {**state.identity, LEXICON_FIELD: "sha256:1"}
    with pytest.raises(
        BadInput, match=rf"^{LEXICON_FIELD}: step-00000002 was trained with nothing, .* now has sha256:1;"
    ):
        require_same_identity(state, manifest, "step-00000002")
    other = manifest.model_copy(update={"identity": {**manifest.identity, LEXICON_FIELD: "sha256:2"}})
    with pytest.raises(
        BadInput, match=rf"^{LEXICON_FIELD}: step-00000002 was trained with sha256:2, .* now has sha256:1;"
    ):
        require_same_identity(state, other, "step-00000002")
