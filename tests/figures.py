"""Figures that tests measure, for the end of a run: `name value unit`, one a line."""

from collections.abc import Callable, Iterable, Sequence

import pytest

Figure = Callable[[str, float, str], None]
"""Notes a figure: its name, value and unit."""
PROPERTY = "figure"
"""Name of the property in which a test's report carries a figure, also from another process."""


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    def note(name: str, value: float, unit: str) -> None:
        request.node.user_properties.append((PROPERTY, f"{name} {value:.3f} {unit}"))

    return note


def noted(reports: Iterable[pytest.TestReport]) -> Sequence[str]:
    """Return the figures that finished tests noted, in their order."""
    return [
        str(value)
        for report in reports
        if report.when == "teardown"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
