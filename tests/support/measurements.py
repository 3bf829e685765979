"""Values that tests measure, for the end of a run: `name value unit`, one per line."""

from collections.abc import Callable, Iterable, Sequence

import pytest

RecordMeasurement = Callable[[str, float, str], None]
"""Records a measurement: its name, value and unit."""
PROPERTY = "measurement"
"""The property of a test's report that holds a measurement; reports also come from other processes."""


def recorder(item: pytest.Item) -> RecordMeasurement:
    """Return the function that records measurements of one test."""

    def record(name: str, value: float, unit: str) -> None:
        item.user_properties.append((PROPERTY, f"{name} {value:.3f} {unit}"))

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
