"""Trivial methods reach what docs/test-data.md lists, which the bounds of trained models are compared with."""

import re
from pathlib import Path

import pytest

from llmtrain_kind.paths import REPOSITORY
from real_data.baselines.__main__ import BASELINES, baselines
from real_data.cache import default_cache

pytestmark = [pytest.mark.data, pytest.mark.timeout(600)]
TOLERANCE = {"synopses": 0.01}
"""Sets that change with Debian's archive."""


def documented(page: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Return the scores by set and method of the page's rows such as: set, method, mse 3.798."""
    rows = re.findall(r"^\| `([\w-]+)` \| ([\w ]+) \| (\w+ \d.*) \|$", page.read_text(), re.MULTILINE)
    return {
        (name, method): {score: float(value) for score, value in re.findall(r"(\w+) (\d+\.\d+)", scores)}
        for name, method, scores in rows
    }


DOCUMENTED = documented(REPOSITORY / "docs" / "test-data.md")


def test_all_baselines_are_documented() -> None:
    assert {name for name, _ in DOCUMENTED} == BASELINES.keys()


@pytest.mark.parametrize("name", BASELINES)
def test_a_trivial_method_reaches_what_is_documented(name: str) -> None:
    measured = {(name, baseline.method): baseline.scores for baseline in baselines(name, default_cache())}
    expected = {key: scores for key, scores in DOCUMENTED.items() if key[0] == name}
    assert measured.keys() == expected.keys()
    for key, scores in expected.items():
        assert measured[key] == pytest.approx(scores, abs=TOLERANCE.get(name, 0.0005))
