"""Jobs with a whole number just beyond each of its bounds, and at them, from the schema of the spec."""

from collections.abc import Iterator
from typing import Any

from contract.example_job import UNDER_TORCHRUN, Case, Change
from llmtrain_api.generate.crd import schema_of
from llmtrain_api.job import JobSpec

SCHEMA = schema_of(JobSpec)
WITH: dict[str, Change] = {"recovery.silentSeconds": UNDER_TORCHRUN}
"""Changes of the example that a field needs."""


def integers(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, int, int]]:
    """Yield path, minimum and maximum of each whole number outside of lists and maps."""
    for name, child in schema.get("properties", {}).items():
        field = f"{path}.{name}" if path else name
        if child["type"] == "integer":
            yield field, child["minimum"], child["maximum"]
        yield from integers(child, field)


INTEGERS = tuple(integers(SCHEMA))
INTEGER_CASES: tuple[Case, ...] = tuple(
    Case(
        sentence=f"{field} {value}",
        change={**WITH.get(field, {}), f"spec.{field}": value},
        refusal=f"spec.{field}: Invalid value",
    )
    for field, low, high in INTEGERS
    for value in (low - 1, high + 1)
)
"""Jobs that the schema rejects."""
