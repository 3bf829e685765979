"""A status of another version is read as far as decisions need it."""

from typing import Any

import pytest
from pydantic import ValidationError

from llmtrain_api.job_status import JobStatus


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"stage": "Dreaming"}, id="a stage of a newer version"),
        pytest.param({"progress": {"step": "many"}}, id="progress of another type"),
        pytest.param({"goodput": None, "logs": None, "workers": None}, id="displayed fields that are null"),
        pytest.param({"newField": {"a": 1}, "recoveries": {"count": 0, "newField": 1}}, id="unknown fields"),
    ],
)
def test_what_is_only_displayed_is_left_out_if_it_cannot_be_read(document: dict[str, Any]) -> None:
    read = JobStatus.from_server({"startTime": "2026-11-23T10:00:00.000Z", **document})
    assert read == JobStatus(start_time="2026-11-23T10:00:00.000Z")


FAILURE = {"pod": "j-worker-0", "uid": "u", "time": "2026-11-23T10:00:00.000Z"}


def test_a_value_that_only_another_version_knows_is_left_out() -> None:
    condition = {"type": "Running", "reason": "r", "message": "m", "lastTransitionTime": FAILURE["time"]}
    document = {
        "recoveries": {"count": 2, "recent": [{**FAILURE, "action": "Retry"}, {**FAILURE, "action": "Ignore"}]},
        "firstFailure": {**FAILURE, "action": "Retry"},
        "conditions": [{**condition, "status": "Maybe"}, {**condition, "type": "Failed", "status": "False"}],
    }
    read = JobStatus.from_server(document)
    assert (read.recoveries.count, [failure.action for failure in read.recoveries.recent]) == (2, ["", "Ignore"])
    assert read.first_failure is not None
    assert [condition.type for condition in read.conditions] == ["Failed"]


@pytest.mark.parametrize("document", [{"recoveries": None}, {"coordinatorTerm": "x"}, {"dataset": {"id": 3}}, []])
def test_what_decisions_rest_on_is_never_guessed(document: Any) -> None:
    with pytest.raises(ValidationError):
        JobStatus.from_server(document)
