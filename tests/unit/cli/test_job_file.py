"""Faults of a job file are sentences that name the field as the file does."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmtrain_cli.__main__ import main
from llmtrain_cli.job_file import faults_of, read_job

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
GONE = object()

FAULTS = [
    ("a number below its bound", "spec.workers.replicas", 0, "must be greater than or equal to 1, not 0"),
    ("a word in place of a number", "spec.workers.replicas", "two", "must be a valid integer, unable to parse"),
    ("a missing field", "spec.training.steps", GONE, "is missing; add it"),
    ("a misspelt field", "spec.workers.replica", 1, "there is no such field; did you mean replicas?"),
    ("a field of something else", "spec.data.bucket", "x", "there is no such field; there are heldOutPercent, source"),
    (
        "a number in place of a string",
        "spec.workers.resources",
        {"cpu": 4},
        'must be a string; write it in quotes: "4"',
    ),
    ("a string of the wrong form", "spec.workers.resources", {"memory": "2 GB"}, "'2 GB' does not look as it must"),
    ("a word that is not offered", "spec.model", {"name": "rnn"}, "must be 'gpt', not 'rnn'"),
    ("a bad item of a list", "spec.workers.env", [{"name": "A"}, {"name": "1"}], "'1' does not look as it must"),
    ("another kind", "kind", "Job", "must be LLMTrainingJob, not 'Job'"),
    ("no version", "apiVersion", GONE, "must be llmtrain.dev/v1alpha1, not None"),
    ("no name", "metadata.name", GONE, "is missing; name the job"),
    ("no spec", "spec", GONE, "is missing; say what to train"),
    ("a rule over several fields", "spec.workers.min", 3, "must not be greater than spec.workers.replicas"),
]


def changed(path: str, value: object) -> dict[str, Any]:
    """Return a valid job in which the field at `path` has another value."""
    job = copy.deepcopy(JOB)
    *parents, last = path.split(".")
    at = job
    for parent in parents:
        at = at.setdefault(parent, {})
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return job


def test_a_valid_job_has_no_faults() -> None:
    assert faults_of(JOB) == []


@pytest.mark.parametrize(("sentence", "path", "value", "said"), FAULTS, ids=[case[0] for case in FAULTS])
def test_fault(sentence: str, path: str, value: object, said: str) -> None:
    (fault,) = faults_of(changed(path, value))
    assert fault.startswith(path)
    assert said in fault


def test_an_item_of_a_list_is_named_by_its_number() -> None:
    (fault,) = faults_of(changed("spec.workers.env", [{"name": "A"}, {"name": "1"}]))
    assert fault.startswith("spec.workers.env[1].name: ")


def test_all_faults_are_told_at_once() -> None:
    job = changed("spec.training.steps", 0)
    job["spec"]["workers"]["replicas"] = 0
    assert len(faults_of(job)) == 2


def test_a_job_is_read(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(JOB))
    assert (read_job(file).name, read_job(file).spec.training.steps) == ("gpt", 10)


FILES = [
    ("nothing", "", "holds 0 documents"),
    ("two documents", "a: 1\n---\nb: 2\n", "holds 2 documents"),
    ("no YAML", "a: [1", "is not YAML"),
    ("a list", "- 1\n", "a job file holds one LLMTrainingJob"),
    ("another object", "kind: Pod\n", "kind: must be LLMTrainingJob"),
]


@pytest.mark.parametrize(("sentence", "text", "said"), FILES, ids=[case[0] for case in FILES])
def test_a_file_that_is_no_job_is_bad_input(
    sentence: str, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(text)
    assert main(["validate", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_validate_says_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(JOB))
    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: ok: job gpt trains for 10 steps on 2 ranks\n"


def test_a_file_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "/nowhere/job.yaml"]) == 2
    assert capsys.readouterr().err.startswith("llmtrain: /nowhere/job.yaml can't be read: No such file")
