"""The bounds of decimal strings agree with exact arithmetic on any value that the schema accepts."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from contract.random_settings import decimal_strings
from llmtrain_api.generate.crd import schema_of
from llmtrain_api.job import JobSpec
from llmtrain_api.model import DecimalString
from llmtrain_api.training_rules import DECIMAL_BOUNDS, DecimalBound

FLOAT_ERROR = Decimal("1e-15")
"""Relative distance from a bound within which a float can be on the other side than the exact number."""


def exact(bound: DecimalBound, value: Decimal) -> bool:
    """Return whether a bound accepts an exact number."""
    low, high = Decimal(bound.low), Decimal(bound.high)
    below = value < high if bound.below_high else value <= high
    return (low <= value and below) or (bound.or_zero and value == 0)


@pytest.mark.parametrize("bound", DECIMAL_BOUNDS, ids=lambda bound: bound.field)
def test_a_value_is_accepted_as_its_exact_number_is(bound: DecimalBound) -> None:
    valid = TypeAdapter(DecimalString)
    edges = [Decimal(bound.low), Decimal(bound.high)]
    verdicts = set()
    for text in decimal_strings(2000, seed=7):
        value = Decimal(valid.validate_python(text))
        if not any(abs(value - edge) <= edge * FLOAT_ERROR and value != edge for edge in edges):
            assert bound.accepts(text) is exact(bound, value), text
            verdicts.add(bound.accepts(text))
    assert verdicts == {True, False}


def test_every_decimal_of_a_job_has_bounds() -> None:
    pattern = TypeAdapter(DecimalString).json_schema()["pattern"]
    bounded = {f"spec.{bound.field}" for bound in DECIMAL_BOUNDS}
    assert {path for path, schema in fields(schema_of(JobSpec), "spec") if schema.get("pattern") == pattern} == bounded


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and schema of each field below a schema."""
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")


@pytest.mark.parametrize("text", ["0", "00.00", "0E+7", "0.0e-400"])
def test_zero_turns_off_what_can_be_turned_off_in_every_form(text: str) -> None:
    assert [bound.field for bound in DECIMAL_BOUNDS if bound.or_zero and bound.accepts(text)] == ["training.clipNorm"]
