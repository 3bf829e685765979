"""A job's own objects are those that it controls."""

from typing import Any

import pytest

from llmtrain_operator.core.objects.ownership import is_owned, not_owned, owned

OWNER = {"kind": "LLMTrainingJob", "name": "j", "uid": "u"}
CONTROLLER = {**OWNER, "controller": True}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({"ownerReferences": [CONTROLLER]}, True, id="its controller"),
        pytest.param({"ownerReferences": [{"uid": "backup"}, CONTROLLER]}, True, id="beside a second owner"),
        pytest.param({"ownerReferences": [OWNER]}, False, id="a pod of a user that is deleted with the job"),
        pytest.param({"ownerReferences": [OWNER], "labels": {"llmtrain.dev/job": "j"}}, True, id="one to be repaired"),
        pytest.param({"ownerReferences": [{**CONTROLLER, "uid": "v"}]}, False, id="an earlier job of the name"),
        pytest.param({"labels": {"llmtrain.dev/job": "j"}}, False, id="an orphan"),
        pytest.param({"ownerReferences": None, "labels": None}, False, id="no owner"),
        pytest.param({"ownerReferences": ["u", 3]}, False, id="owners of another type"),
    ],
)
def test_a_job_owns_what_it_controls(metadata: dict[str, Any], expected: bool) -> None:
    objects = {"o": {"metadata": metadata}}
    assert is_owned(objects["o"], "u") is expected
    assert owned(objects, "u") == (objects if expected else {})
    assert not_owned(objects, "u") == ({} if expected else objects)
