"""`llmtrain validate` has the same verdict about a file as kubectl and the API server."""

from pathlib import Path

import pytest

from contract.job_file_cases import FILE_CASES, FileCase
from contract.rule_cases import RULE_CASES
from contract.schema_cases import SCHEMA_CASES
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_file import read_jobs
from llmtrain_cli.job_validation import validation_errors


@pytest.mark.parametrize("case", FILE_CASES, ids=lambda case: case.sentence)
def test_a_file_is_valid_or_has_an_error(case: FileCase, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_bytes(case.content)
    if case.refusal is None:
        assert read_jobs(file)[0]
    else:
        with pytest.raises(BadInput) as error:
            read_jobs(file)
        assert case.refusal in str(error.value)


def test_the_jobs_of_the_rules_and_of_the_schema_have_the_same_verdict() -> None:
    wrong = [case.sentence for case in RULE_CASES if bool(validation_errors(case.job)) is (case.refusal is None)]
    wrong += [case.sentence for case in SCHEMA_CASES if not validation_errors(case.job)]
    assert wrong == []
