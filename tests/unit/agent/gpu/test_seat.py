import pytest

from llmtrain_agent.gpu.gpu_index import stable_indices


@pytest.mark.parametrize(
    ("seats", "found", "expected", "why"),
    [
        ({}, [(0, "a"), (1, "b")], {"a": 0, "b": 1}, "at first the driver's numbers"),
        (
            {"a": 0, "b": 1, "c": 2},
            [(0, "a"), (1, "c")],
            {"a": 0, "b": 1, "c": 2},
            "one behind a lost one keeps its own",
        ),
        ({"a": 0, "b": 1}, [(0, "b"), (1, "a")], {"a": 0, "b": 1}, "a new order changes nothing"),
        ({"a": 0, "b": 1}, [(0, "a"), (1, "new")], {"a": 0, "b": 1, "new": 2}, "a new one gets no lost one's number"),
        ({"a": 0}, [], {"a": 0}, "all are gone"),
    ],
)
def test_a_gpu_keeps_its_number(
    seats: dict[str, int], found: list[tuple[int, str]], expected: dict[str, int], why: str
) -> None:
    before = dict(seats)
    assert stable_indices(seats, found) == expected, why
    assert seats == before
