"""What a job takes from its namespace, in local mode."""

from typing import Any

import pytest

from llmtrain_api.workers import Workers
from llmtrain_cli.errors import BadInput
from llmtrain_cli.local_environment import user_environment

TOKEN = {"name": "HF_TOKEN", "secret": "hub", "key": "token"}
LEVEL = {"name": "LEVEL", "configMap": "logging", "key": "level"}


def workers(**fields: Any) -> Workers:
    return Workers.model_validate(fields)


def test_values_are_those_of_the_job_and_references_those_of_the_shell() -> None:
    found = user_environment(
        workers(env=[{"name": "A", "value": "1"}, TOKEN, LEVEL]), {"A": "2", "HF_TOKEN": "secret", "LEVEL": "debug"}
    )
    assert found == {"A": "1", "HF_TOKEN": "secret", "LEVEL": "debug"}


def test_a_reference_that_the_shell_lacks_is_an_error_with_the_field_and_the_remedy() -> None:
    with pytest.raises(BadInput, match=r"spec\.workers\.env\[1\]: HF_TOKEN .*; set the variable in the shell"):
        user_environment(workers(env=[{"name": "A"}, TOKEN]), {"A": "2"})
