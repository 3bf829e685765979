"""Figures that tests measure, for the end of a run: `name value unit`, one a line."""

from collections.abc import Callable, Sequence

import pytest

Figure = Callable[[str, float, str], None]
"""Notes a figure: its name, value and unit."""
NOTED = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    def note(name: str, value: float, unit: str) -> None:
        request.config.stash.setdefault(NOTED, []).append(f"{name} {value:.3f} {unit}")

    return note


def noted(config: pytest.Config) -> Sequence[str]:
    return config.stash.get(NOTED, [])
