"""A GPU keeps its index while NVML's numbers change around it."""

import pytest

from llmtrain_agent.gpu.gpu_index import stable_indices


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        pytest.param({}, [(0, "a"), (1, "b")], {"a": 0, "b": 1}, id="new GPUs get NVML's indices"),
        pytest.param(
            {"a": 0, "b": 1, "c": 2},
            [(0, "a"), (1, "c")],
            {"a": 0, "b": 1, "c": 2},
            id="a GPU behind a lost one keeps its index",
        ),
        pytest.param({"a": 0, "b": 1}, [(0, "b"), (1, "a")], {"a": 0, "b": 1}, id="another order changes nothing"),
        pytest.param(
            {"a": 0, "b": 1},
            [(0, "a"), (1, "new")],
            {"a": 0, "b": 1, "new": 2},
            id="a new GPU does not get a lost one's index",
        ),
        pytest.param({"a": 0}, [], {"a": 0}, id="every GPU is lost"),
    ],
)
def test_stable_indices(known: dict[str, int], found: list[tuple[int, str]], expected: dict[str, int]) -> None:
    before = dict(known)
    assert stable_indices(known, found) == expected
    assert known == before
