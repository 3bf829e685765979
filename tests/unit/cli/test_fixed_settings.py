"""A setting that results depend on and that was changed is named with both values."""

from typing import Any

import pytest

from llmtrain_cli.fixed_settings import changed_settings, fixed_settings
from llmtrain_cli.job_validation import parse_spec
from unit.cli.job_documents import SMALL_JOB

SPEC = SMALL_JOB["spec"]
STORED = fixed_settings(parse_spec(SPEC))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"workers": {"replicas": 1}}, [], id="a field that results do not depend on"),
        pytest.param({"training": {"steps": 20}}, [], id="the steps"),
        pytest.param(
            {"training": {"steps": 20, "optimizer": {"learningRate": "1e-3"}}},
            ['spec.training.optimizer.learningRate ("3e-4" before, "1e-3" now)'],
            id="a setting beside the steps",
        ),
        pytest.param({"model": {"layers": 3}}, ["spec.model.layers (unset before, 3 now)"], id="one that was not set"),
        pytest.param(
            {"data": {"source": {"volume": "texts"}}, "entrypoint": {"script": "a.py"}},
            [
                'spec.data.source.path ("poems" before, unset now)',
                'spec.entrypoint (unset before, {"script": "a.py", "arguments": [], "mode": "Elastic"} now)',
            ],
            id="several",
        ),
    ],
)
def test_a_changed_setting_has_both_values(changed: dict[str, Any], expected: list[str]) -> None:
    assert changed_settings(STORED, parse_spec({**SPEC, **changed})) == expected


def test_a_field_that_an_earlier_version_did_not_know_has_its_default() -> None:
    training = {name: value for name, value in STORED["training"].items() if name != "precision"}
    assert changed_settings({**STORED, "training": {**training, "retired": 1}}, parse_spec(SPEC)) == []


def test_settings_that_this_version_cannot_read_are_compared_as_they_are() -> None:
    training = {**STORED["training"], "steps": "many", "precision": "float8"}
    assert changed_settings({**STORED, "training": training}, parse_spec(SPEC)) == [
        'spec.training.precision ("float8" before, "float32" now)'
    ]
