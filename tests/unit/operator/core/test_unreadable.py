"""An object that cannot be read says so, once, and keeps the rest of its status."""

from typing import Any

import pytest
from pydantic import ValidationError

from llmtrain_api.data import Columns
from llmtrain_api.job import JobSpec
from llmtrain_operator.core.unreadable import cause_of, unreadable_status
from unit.operator.builders import SPEC, ago, job

JOB = {"kind": "LLMTrainingJob", "metadata": {"name": "j", "generation": 4}}
RUNNING = {"type": "Running", "status": "True", "reason": "Training", "message": ""}


def test_the_condition_is_added_and_everything_else_stays() -> None:
    before = {"stage": "Training", "newField": 1, "conditions": [RUNNING]}
    status = unreadable_status({**JOB, "status": before}, "stage: x", ago(0))
    assert status is not None
    running, scheduled = status["conditions"]
    assert (status["stage"], status["newField"], running) == ("Training", 1, RUNNING)
    assert (scheduled["type"], scheduled["status"], scheduled["reason"]) == ("Scheduled", "False", "Unreadable")
    assert scheduled["message"] == (
        "the operator cannot read this object: stage: x; correct the field, or upgrade the operator"
    )
    assert scheduled["observedGeneration"] == 4
    assert unreadable_status({**JOB, "status": status}, "stage: x", ago(0)) is None


def test_values_of_another_version_are_left_out_because_the_api_server_may_refuse_them() -> None:
    failure = {"pod": "p", "uid": "u", "time": ago(9), "action": "Retry"}
    status = unreadable_status({**JOB, "status": {"stage": "New", "recoveries": {"recent": [failure]}}}, "x", ago(0))
    assert status is not None
    del failure["action"]
    assert (status.get("stage"), status["recoveries"]["recent"]) == (None, [failure])


@pytest.mark.parametrize("status", [None, [], 3, {}, {"conditions": None}, {"conditions": ["x", None]}])
def test_a_status_of_any_shape_gets_the_condition(status: Any) -> None:
    found = unreadable_status({**JOB, "status": status}, "why", ago(0))
    assert found is not None
    assert [condition["type"] for condition in found["conditions"]] == ["Scheduled"]


def test_an_llmcluster_is_not_ready() -> None:
    found = unreadable_status({"kind": "LLMCluster", "metadata": {"name": "c"}}, "why", ago(0))
    assert found is not None
    assert [condition["type"] for condition in found["conditions"]] == ["Ready"]


@pytest.mark.parametrize("field", ["secret", "configMap"])
@pytest.mark.parametrize(
    "stored",
    [
        pytest.param({"name": "hub", "key": "token"}, id="as it was written"),
        pytest.param({}, id="as an API server with the new CRD returns it"),
    ],
)
def test_a_variable_in_the_form_of_an_earlier_version_is_named_with_the_remedy(field: str, stored: Any) -> None:
    spec = job(workers={"replicas": 2}).spec.document()
    env = [{"name": "A"}, {"name": "HF_TOKEN", field: stored}]
    with pytest.raises(ValidationError) as raised:
        JobSpec.from_server({**spec, "workers": {"env": env}})
    assert cause_of(raised.value) == (
        f"workers.env.1.{field}: must be a name, not a map with name and key; write the name here, and key beside it"
    )


def test_columns_that_this_version_does_not_know_are_ignored() -> None:
    spec = job().spec.document()
    data = {**SPEC["data"], "columns": {"text": "body", "picture": 3}}
    assert JobSpec.from_server({**spec, "data": data}).data.columns == Columns(text="body")


def test_the_cause_names_the_field() -> None:
    with pytest.raises(ValidationError) as raised:
        JobSpec.from_server(
            {"data": {"source": {"volume": "d"}}, "training": {"steps": "x"}, "checkpoint": {"volume": "c"}}
        )
    assert cause_of(raised.value).startswith("training.steps: Input should be a valid integer")
    assert cause_of(KeyError("spec")) == "'spec'"
    assert cause_of(ValueError()) == "ValueError"
