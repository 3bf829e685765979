"""Base classes and constrained types of the contract."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value: camelCase in JSON, snake_case in Python; unknown fields are rejected, except by `from_server`.

    The docstring of a field becomes its `description` in the CRD, which `kubectl explain` shows.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def document(self) -> dict[str, object]:
        """Return this value as JSON types with camelCase names, without fields that are None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_server(cls, document: Mapping[str, Any]) -> Self:
        """Return the value that the API server stores as `document`; fields that this version does not know are ignored.

        The API server has validated it, perhaps by the schema of another version. ValidationError if a known field is
        invalid.
        """
        return cls.model_validate(document, extra="ignore")


class MapModel(Model):
    """A map to text in the CRD. The fields of the type are the keys that it knows, with what they are if they are absent.

    Other keys are kept, except by `from_server`, so that a rule can refuse them: the schema of a map lists no keys.
    """

    model_config = ConfigDict(extra="allow")

    def model_post_init(self, context: Any, /) -> None:
        """Make a value that was read without other keys equal to one that has none."""
        if self.__pydantic_extra__ is None:
            object.__setattr__(self, "__pydantic_extra__", {})

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        """Return the keys that the type does not know."""
        return tuple(self.model_extra or ())


class Message(Model):
    """A message between running programs; unknown fields are ignored.

    A job keeps the images it started with, so an operator and a coordinator can have different versions. NaN and
    infinity, such as the loss of a training that diverged, are strings in JSON, which has no numbers for them.
    """

    model_config = ConfigDict(extra="ignore", ser_json_inf_nan="strings")


DecimalString = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
"""A number as a string, such as "3e-4", because Kubernetes APIs avoid floats."""

Fraction = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^0(\.[0-9]+)?$")]
"""A number of at least 0 and below 1 as a string, such as "0.1"."""

Quantity = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
"""An amount of a resource, such as "500m" or "2Gi"."""

ObjectName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""The name of a Kubernetes object."""

SubdomainName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""The name of a Kubernetes object that may contain dots, such as a Secret."""

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
"""Labels of a node."""

Sentence = Annotated[str, Field(max_length=1024)]
Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
"""An instant in UTC, RFC 3339, such as 2026-11-23T10:00:00.123Z."""
