"""Says at the end of a run what was measured, and how many tests of each layer passed."""

from collections import Counter
from pathlib import Path

import pytest

from figures import figure, noted

__all__ = ["figure"]
TESTS = Path(__file__).parent
WHERE = {"e2e": "on a real cluster"}


def layer(report: pytest.TestReport) -> str:
    """Return the folder below tests/ that a report's test is in."""
    return report.nodeid.removeprefix("tests/").split("/")[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, and a line such as `passed: 120 unit, 14 integration, 23 e2e (on a real cluster)`."""
    reports = [
        each for found in terminalreporter.stats.values() for each in found if isinstance(each, pytest.TestReport)
    ]
    for line in noted(reports):
        terminalreporter.write_line(line)
    passed = Counter(layer(report) for report in terminalreporter.getreports("passed") if report.when == "call")
    counts = [f"{count} {name}" + (f" ({WHERE[name]})" if name in WHERE else "") for name, count in passed.items()]
    if counts:
        terminalreporter.write_line(f"passed: {', '.join(counts)}")
