"""The types accept each whole number of the spec at its bounds, and reject it just beyond them."""

import pytest

from contract.example_job import Case, job_with
from contract.integer_cases import INTEGER_CASES, INTEGERS, WITH
from llmtrain_cli.job_validation import parse_spec, validation_errors


@pytest.mark.parametrize("case", INTEGER_CASES, ids=lambda case: case.sentence)
def test_a_number_beyond_its_bound_is_refused_by_name(case: Case) -> None:
    field = case.sentence.split()[0]
    assert [error.split(":")[0] for error in validation_errors(case.job)] == [f"spec.{field}"]


@pytest.mark.parametrize(("field", "low", "high"), INTEGERS)
def test_a_number_at_its_bound_is_accepted(field: str, low: int, high: int) -> None:
    for value in (low, high):
        parse_spec(job_with({**WITH.get(field, {}), f"spec.{field}": value})["spec"])


def test_the_numbers_of_a_training_are_among_them() -> None:
    fields = {field for field, _, _ in INTEGERS}
    assert {"training.steps", "training.warmupSteps", "data.heldOutPercent", "model.width"} <= fields
    assert len(fields) > 25
