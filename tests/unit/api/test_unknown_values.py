"""What is left of a document whose enumerations have more values in another version."""

from typing import Any, Literal

import pytest

from llmtrain_api.model import Model
from llmtrain_api.unknown_values import without_unknown_values


class Item(Model):
    kind: Literal["a", "b"]
    mode: Literal["x", "y"] = "x"


class Whole(Model):
    parts: list[Item] = []  # noqa: RUF012 - pydantic copies it
    first: Item | None = None
    letters: list[Literal["a", "b"]] = []  # noqa: RUF012 - pydantic copies it
    number: int = 0


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"number": 1, "other": 2}, {"number": 1, "other": 2}),
        ({"parts": [{"kind": "a", "mode": "z"}]}, {"parts": [{"kind": "a"}]}),
        ({"parts": [{"kind": "z"}, {"kind": "b"}, {"kind": 3}]}, {"parts": [{"kind": "b"}]}),
        ({"first": {"kind": "z"}, "number": 1}, {"number": 1}),
        ({"letters": ["z", "a", "y"]}, {"letters": ["a"]}),
        ({"parts": [{"mode": "z"}]}, {"parts": [{}]}),
        ({"number": "x", "first": {"kind": "a", "mode": "z"}}, {"number": "x", "first": {"kind": "a"}}),
        ([], []),
    ],
)
def test_what_is_not_enumerated_is_left_out_and_nothing_else(document: Any, expected: Any) -> None:
    assert without_unknown_values(Whole, document) == expected
