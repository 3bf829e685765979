"""The base of every type in the contract."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value that is camelCase outside, snake_case inside, and refuses unknown fields.

    The string below a field is its documentation: it becomes `description` in the CRD,
    so `kubectl explain` shows it.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def document(self) -> dict[str, object]:
        """Return this value as JSON types, named as people write them, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Message(Model):
    """What running parts tell each other. A job keeps the images that it began with, so the operator may be of another
    version than a coordinator: what one doesn't know of the other is passed over.
    """

    model_config = ConfigDict(extra="ignore")


DecimalString = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
"""A number written as a string, such as "3e-4": Kubernetes APIs hold no floats."""

Fraction = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^0(\.[0-9]+)?$")]
"""A number of at least 0 and below 1, written as a string, such as "0.1"."""

Quantity = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
"""An amount of a resource, such as "500m" or "2Gi"."""

ObjectName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""The name of a Kubernetes object."""

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
"""A small map of node labels."""

Sentence = Annotated[str, Field(max_length=1024)]
Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
"""An instant in UTC, RFC 3339, such as 2026-11-23T10:00:00.123Z."""
