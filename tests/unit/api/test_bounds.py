import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from llmtrain_api.bounds import (
    MAX_EXIT_CODE,
    MAX_INTEGER,
    MAX_MILLISECONDS,
    MAX_REPORTED_RANKS,
    MAX_SECONDS,
    MAX_TEXT,
    Count,
    Milliseconds,
    Number,
    Ranks,
    ReportedExitCode,
    ReportedText,
    Seconds,
    clamp,
    clamp_float,
)

HUGE = 10**400


@pytest.mark.parametrize(
    ("number", "expected"), [(1.5, 1.5), (-1.0, 0.0), (math.nan, 0.0), (math.inf, 10.0), (-math.inf, 0.0)]
)
def test_a_fraction_is_clamped(number: float, expected: float) -> None:
    assert clamp_float(number, 10.0) == expected


@pytest.mark.parametrize(("number", "expected"), [(-5, 1), (1, 1), (4, 4), (HUGE, 9)])
def test_an_integer_is_clamped(number: int, expected: int) -> None:
    assert clamp(number, 1, 9) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Count, 7, 7),
        (Count, -7, 0),
        (Count, HUGE, MAX_INTEGER),
        (Seconds, 1.5, 1.5),
        (Seconds, "NaN", 0.0),
        (Seconds, "Infinity", MAX_SECONDS),
        (Seconds, -1, 0.0),
        (Milliseconds, 5, 5),
        (Milliseconds, HUGE, MAX_MILLISECONDS),
        (Ranks, HUGE, MAX_REPORTED_RANKS),
        (ReportedExitCode, -9, -9),
        (ReportedExitCode, HUGE, MAX_EXIT_CODE),
        (ReportedExitCode, -HUGE, -MAX_EXIT_CODE),
        (ReportedText, "x" * 5000, "x" * MAX_TEXT),
        (Number, MAX_INTEGER, MAX_INTEGER),
    ],
)
def test_a_measurement_is_the_nearest_one_within_bounds(kind: Any, value: object, expected: object) -> None:
    assert TypeAdapter(kind).validate_python(value) == expected


@pytest.mark.parametrize(("kind", "value"), [(Number, -1), (Number, HUGE), (Milliseconds, -1)])
def test_what_names_something_else_is_rejected(kind: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_the_longest_time_of_a_ledger_fits_into_a_status() -> None:
    assert len(f"{MAX_MILLISECONDS / 1000:.3f}") == 16
