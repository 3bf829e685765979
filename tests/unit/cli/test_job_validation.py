"""Validation errors of a job name the field by its path in the file, and the remedy."""

import copy
from typing import Any

import pytest

from llmtrain_cli.job_validation import parse_spec, validation_errors
from unit.cli.job_documents import SMALL_JOB as JOB

MISSING = object()

INVALID = [
    pytest.param(
        "spec.workers.replicas", 0, "must be greater than or equal to 1, not 0", id="a number below its bound"
    ),
    pytest.param(
        "spec.workers.replicas", "two", "must be a valid integer, not 'two'", id="a string instead of a number"
    ),
    pytest.param("spec.checkpoint.volume", MISSING, "is missing; add it", id="a missing field"),
    pytest.param("spec.workers.replica", 1, "there is no such field; did you mean replicas?", id="a misspelt field"),
    pytest.param("spec.data.bucket", "x", "there is no such field; the fields are ", id="an unknown field"),
    pytest.param(
        "spec.workers.resources",
        {"cpu": 4},
        'must be a string; write it in quotes: "4"',
        id="a number instead of a string",
    ),
    pytest.param(
        "spec.workers.resources",
        {"memory": "2 GB"},
        "'2 GB' does not match the pattern",
        id="a string of the wrong form",
    ),
    pytest.param(
        "spec.model",
        {"name": "rnn"},
        "must be 'gpt', 'encoder', 'bert', 'lstm', 'gru', 'skipgram' or 't5', not 'rnn'",
        id="a value that is not offered",
    ),
    pytest.param(
        "spec.workers.env", [{"name": "A"}, {"name": "1"}], "'1' does not match the pattern", id="an item of a list"
    ),
    pytest.param(
        "spec.workers.env",
        [{"name": "A", "secret": {"name": "hub", "key": "token"}}],
        "must be a name, not a map with name and key; write the name here, and key beside it",
        id="a Secret in the form of an earlier version",
    ),
    pytest.param("spec.data.columns", {"body": 3}, 'write it in quotes: "3"', id="a value of a map that is not text"),
    pytest.param("kind", "Job", "must be LLMTrainingJob, not 'Job'", id="another kind"),
    pytest.param("apiVersion", MISSING, "must be llmtrain.dev/v1alpha1, not None", id="no version"),
    pytest.param("metadata.name", MISSING, "is missing; name the job", id="no name"),
    pytest.param("spec", MISSING, "is missing; add the specification of the training", id="no spec"),
    pytest.param("spec.training.steps", "300", "must not be text; remove the quotes: 300", id="a number in quotes"),
    pytest.param("spec.suspend", "true", "must not be text; remove the quotes: true", id="a boolean in quotes"),
    pytest.param("spec.training.microbatch_size", 2, "did you mean microbatchSize?", id="a field in Python's spelling"),
    pytest.param("specs", {}, "there is no such field", id="an unknown field beside the spec"),
    pytest.param("metadata.lables", {}, "there is no such field", id="an unknown field of the metadata"),
    pytest.param("metadata.name", True, "must be text, not True; write it in quotes", id="a name that is not text"),
    pytest.param("metadata.labels", {"a": 1}, "must be text, not 1", id="a label that is not text"),
    pytest.param("metadata.annotations", [], "must be a map of text", id="annotations that are a list"),
    pytest.param(
        "spec.workers.min", 3, "must not be greater than spec.workers.replicas", id="a rule over several fields"
    ),
]


def changed(path: str, value: object) -> dict[str, Any]:
    """Return a valid job in which the field at `path` has another value."""
    job = copy.deepcopy(JOB)
    *parents, last = path.split(".")
    fields = job
    for parent in parents:
        fields = fields.setdefault(parent, {})
    if value is MISSING:
        del fields[last]
    else:
        fields[last] = value
    return job


def test_a_valid_job_has_no_errors() -> None:
    assert validation_errors(JOB) == []


@pytest.mark.parametrize(("path", "value", "message"), INVALID)
def test_an_error_names_the_field_and_the_remedy(path: str, value: object, message: str) -> None:
    (error,) = validation_errors(changed(path, value))
    assert error.startswith(path)
    assert message in error


def test_a_pattern_that_cannot_be_used_is_named_by_its_index() -> None:
    document = changed("spec.data.personalPatterns", ["A=x", "CUSTOMER=(KD"])
    document["spec"]["data"]["personalData"] = "Mask"
    (error,) = validation_errors(document)
    assert error.startswith(
        "spec.data.personalPatterns[1]: the regular expression of 'CUSTOMER' can't be used: missing )"
    )
    document = changed("spec.data.personalPatterns", ["=xx"])
    assert validation_errors(document) == [
        "spec.data.personalPatterns[0]: '=xx' does not match the pattern ^[A-Za-z]+=.+$"
    ]


def test_an_item_of_a_list_is_named_by_its_index() -> None:
    (error,) = validation_errors(changed("spec.workers.env", [{"name": "A"}, {"name": "1"}]))
    assert error.startswith("spec.workers.env[1].name: ")


def test_all_errors_are_reported_at_once() -> None:
    job = changed("spec.training.steps", 0)
    job["spec"]["workers"]["replicas"] = 0
    assert len(validation_errors(job)) == 2


def test_a_number_instead_of_a_string_is_quoted_as_it_is_written() -> None:
    job = changed("spec.training.optimizer", {"learningRate": 0.0003})
    path = ("spec", "training", "optimizer", "learningRate")
    (error,) = validation_errors(job, {path: "3e-4"})
    assert error.endswith('write it in quotes: "3e-4"')


def test_a_field_that_is_null_is_not_set() -> None:
    spec = parse_spec({**JOB["spec"], "model": {"layers": None}, "entrypoint": None, "evaluation": None})
    assert (spec.model.layers, spec.entrypoint, spec.evaluation.every_steps) == (None, None, 100)
    assert validation_errors(changed("spec.data.columns", {"text": None})) == []
    assert len(validation_errors(changed("spec.training.steps", None))) == 1
    assert len(validation_errors(changed("spec.workers.env", [None]))) == 1
    assert len(validation_errors(changed("spec.worker", None))) == 1
