"""Values that tests measure or count, for the end of a run: `name value unit`, one per line."""

from collections.abc import Callable, Iterable, Sequence

import pytest

RecordMeasurement = Callable[[str, float, str], None]
"""Records a measurement: its name, value and unit, which is empty for a number of things."""
PROPERTY = "measurement"
"""The property of a test's report that holds a measurement; reports also come from other processes."""


def recorder(item: pytest.Item) -> RecordMeasurement:
    """Return the function that records measurements of one test."""

    def record(name: str, value: float, unit: str) -> None:
        figure = str(value) if isinstance(value, int) else f"{value:.3f}"
        item.user_properties.append((PROPERTY, f"{name} {figure} {unit}".rstrip()))

    return record


def measurements_of(reports: Iterable[pytest.TestReport]) -> Sequence[str]:
    """Return the measurements of finished tests, in their order."""
    return [
        str(value)
        for report in reports
        if report.when == "teardown"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
