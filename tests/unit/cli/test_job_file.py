"""Validation errors of a job file name the field by its path in the file, and the remedy."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmtrain_cli.__main__ import main
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_file import read_job, validation_errors

JOB: dict[str, Any] = {
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
MISSING = object()

INVALID = [
    pytest.param(
        "spec.workers.replicas", 0, "must be greater than or equal to 1, not 0", id="a number below its bound"
    ),
    pytest.param(
        "spec.workers.replicas", "two", "must be a valid integer, unable to parse", id="a string instead of a number"
    ),
    pytest.param("spec.training.steps", MISSING, "is missing; add it", id="a missing field"),
    pytest.param("spec.workers.replica", 1, "there is no such field; did you mean replicas?", id="a misspelt field"),
    pytest.param(
        "spec.data.bucket", "x", "there is no such field; the fields are columns, heldOutPercent", id="an unknown field"
    ),
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
    pytest.param("spec.model", {"name": "rnn"}, "must be 'gpt', not 'rnn'", id="a value that is not offered"),
    pytest.param(
        "spec.workers.env", [{"name": "A"}, {"name": "1"}], "'1' does not match the pattern", id="an item of a list"
    ),
    pytest.param("kind", "Job", "must be LLMTrainingJob, not 'Job'", id="another kind"),
    pytest.param("apiVersion", MISSING, "must be llmtrain.dev/v1alpha1, not None", id="no version"),
    pytest.param("metadata.name", MISSING, "is missing; name the job", id="no name"),
    pytest.param("spec", MISSING, "is missing; add the specification of the training", id="no spec"),
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


def test_an_item_of_a_list_is_named_by_its_index() -> None:
    (error,) = validation_errors(changed("spec.workers.env", [{"name": "A"}, {"name": "1"}]))
    assert error.startswith("spec.workers.env[1].name: ")


def test_all_errors_are_reported_at_once() -> None:
    job = changed("spec.training.steps", 0)
    job["spec"]["workers"]["replicas"] = 0
    assert len(validation_errors(job)) == 2


def test_a_job_is_read(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(JOB))
    assert (read_job(file).name, read_job(file).spec.training.steps) == ("gpt", 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "holds 0 documents", id="an empty file"),
        pytest.param("a: 1\n---\nb: 2\n", "holds 2 documents", id="two documents"),
        pytest.param("a: [1", "is not YAML", id="no YAML"),
        pytest.param("- 1\n", "a job file holds one LLMTrainingJob", id="a list"),
        pytest.param("kind: Pod\n", "kind: must be LLMTrainingJob", id="another object"),
    ],
)
def test_a_file_that_is_not_a_job_is_bad_input(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_job(file)


def test_a_missing_file_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "/nowhere/job.yaml"]) == 2
    assert capsys.readouterr().err.startswith("llmtrain: /nowhere/job.yaml can't be read: No such file")
