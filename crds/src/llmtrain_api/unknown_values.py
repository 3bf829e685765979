"""Values of enumerations that only another version knows, in a status that this version must act on."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

Place = tuple[int | str, ...]
"""The keys and indices that lead to a value."""
MAX_ROUNDS = 8
"""How often something is left out because it is incomplete without what was left out before."""


def without_unknown_values(kind: type[BaseModel], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document without the values that `kind` does not enumerate; fields with a default then have it.

    An object that is not complete without such a value is left out as a whole, as is an item of a list.
    """
    left_out: set[Place] = set()
    for _ in range(MAX_ROUNDS):
        places = sorted(unknown_places(kind, document, left_out), key=str, reverse=True)
        if not places:
            break
        left_out.update(places)
        document = leave_out(document, frozenset(places))
    return document


def unknown_places(kind: type[BaseModel], document: Mapping[str, Any], left_out: set[Place]) -> Iterator[Place]:
    """Yield the places of values that `kind` does not enumerate, and of what is incomplete without one in `left_out`."""
    try:
        kind.model_validate(document, extra="ignore")
    except ValidationError as error:
        for details in error.errors():
            place = details["loc"]
            if details["type"] in ("literal_error", "enum"):
                yield place
            elif details["type"] == "missing" and place in left_out and len(place) > 1:
                yield place[:-1]


def leave_out(value: Any, places: frozenset[Place], *path: int | str) -> Any:
    """Return a value of JSON without those at some places."""
    if isinstance(value, Mapping):
        return {key: leave_out(part, places, *path, key) for key, part in value.items() if (*path, key) not in places}
    if isinstance(value, list):
        parts = enumerate(value)
        return [leave_out(part, places, *path, number) for number, part in parts if (*path, number) not in places]
    return value
