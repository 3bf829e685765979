"""The counts of a set are compared with the expected ones."""

import pytest

from real_data.data_set import AtLeast, DataSet, check_counts
from real_data.errors import WrongCounts

SET = DataSet(
    name="letters",
    layout="text",
    packages=[],
    write=lambda sources, target: {},
    counts={"train": 3, "words": AtLeast(10)},
)


@pytest.mark.parametrize("counts", [{"train": 3, "words": 10}, {"train": 3, "words": 11}])
def test_expected_counts_are_accepted(counts: dict[str, int]) -> None:
    check_counts(SET, counts)


@pytest.mark.parametrize(
    ("counts", "difference"),
    [
        pytest.param({"train": 4, "words": 10}, "train: 4 instead of 3", id="another number"),
        pytest.param({"train": 3, "words": 9}, "words: 9 instead of at least 10", id="below the bound"),
        pytest.param({"words": 10}, "train: None instead of 3", id="a number is missing"),
        pytest.param(
            {"train": 3, "words": 10, "tags": 1}, "tags: 1 instead of None", id="a number that is not expected"
        ),
    ],
)
def test_a_difference_is_named(counts: dict[str, int], difference: str) -> None:
    with pytest.raises(WrongCounts, match=rf"^unexpected counts of letters: {difference}\."):
        check_counts(SET, counts)
