"""Everything that a field can contain instead of what a reader expects: for each place in an object, bad values."""

import copy
import json
from collections.abc import Iterator
from typing import Any

ABSENT = object()
"""The field does not exist."""
EXTREME_INSTANTS = ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00")
"""Instants that the API server accepts, and that leave the range of a datetime when something is added to them."""
GARBAGE: tuple[Any, ...] = (
    *(ABSENT, None, True, 0, -1, 10**400, 1.5, float("inf"), float("nan"), "", "x", "1k", "-5", "1e999999"),
    *("9" * 5000, "\u0663\u0e01\x00\ud800\x1b[31m", [], [None], ["x"], [[]], [{}], {}, {"x": None}, {"type": []}),
    *EXTREME_INSTANTS,
)

FieldPath = tuple[Any, ...]
"""The keys and indices that lead to a value."""


def places(value: Any, *path: Any) -> Iterator[FieldPath]:
    """Yield the place of every value in an object."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, *path, key)


def replaced(obj: Any, place: FieldPath, value: Any) -> Any:
    """Return a copy of an object with the value at a place replaced."""
    found = copy.deepcopy(obj)
    parent = found
    for key in place[:-1]:
        parent = parent[key]
    if value is ABSENT:
        del parent[place[-1]]
    else:
        parent[place[-1]] = copy.deepcopy(value)
    return found


def garbled(obj: Any) -> Iterator[tuple[FieldPath, Any]]:
    """Yield an object with each of its values replaced by each bad one, and the place."""
    for place in places(obj):
        for value in GARBAGE:
            yield place, replaced(obj, place, value)


def garbled_json(document: str) -> Iterator[tuple[FieldPath, str]]:
    """Yield a JSON document with each of its values replaced by each bad one, and the place."""
    for place, value in garbled(json.loads(document)):
        yield place, json.dumps(value)
