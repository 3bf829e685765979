"""What a cross-field rule of a job is: an error message, a CEL expression and a Python check."""

from collections.abc import Callable
from dataclasses import dataclass

from llmtrain_api.job import JobSpec


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule."""

    path: str
    """Schema node that the rule is attached to, such as "spec.workers"; "" is the whole object."""
    field: str
    """The field that the message is about."""
    cel: str
    """CEL expression over the node at `path`; true if the rule holds."""
    message: str
    """What is wrong, with the field and the remedy."""
    violated: Callable[[str, JobSpec], bool]
    """Whether a job with this name and spec violates the rule."""


def inside_volume_rule(node: str, field: str, parent: str, path_of: Callable[[JobSpec], str | None]) -> Rule:
    """Return the rule that a path stays on its volume.

    `field` is that path; `parent` is the CEL expression, over the schema node `node`, for the object that has it.
    """
    path = f"{parent}.{field.rpartition('.')[2]}"
    absent = f"!has({path})" if parent == "self" else f"!has({parent}) || !has({path})"

    def violated(name: str, spec: JobSpec) -> bool:
        value = path_of(spec)
        return value is not None and (value.startswith("/") or ".." in value.split("/"))

    return Rule(
        path=node,
        field=field,
        cel=f"{absent} || !({path}.startsWith('/') || {path}.split('/').exists(p, p == '..'))",
        message=f"{field} must be relative to the root of the volume and must not contain '..'; remove the leading '/' and '..'",
        violated=violated,
    )


def positive_cel(quantity: str) -> str:
    """Return the CEL expression for whether a quantity is greater than 0; `quantity` is an expression for its text."""
    return f"quantity({quantity}).isGreaterThan(quantity('0'))"


@dataclass(frozen=True, kw_only=True)
class Immutable:
    """A field of the spec that cannot change once the job has started."""

    field: str
    optional: bool = False
    """Whether the field can be absent."""
    unless_suspended: bool = False
    """Whether the field can change while the job is suspended."""

    @property
    def cel(self) -> str:
        """Return the CEL expression over the whole object."""
        started = "has(oldSelf.status) && has(oldSelf.status.startTime)"
        if self.unless_suspended:
            started += " && !oldSelf.spec.suspend"
        now, before = f"self.spec.{self.field}", f"oldSelf.spec.{self.field}"
        if self.optional:
            return f"!({started}) || (has({now}) == has({before}) && (!has({now}) || {now} == {before}))"
        return f"!({started}) || {now} == {before}"

    @property
    def message(self) -> str:
        """Return the error message for a change."""
        if self.unless_suspended:
            return f"spec.{self.field} is immutable while the job runs; set spec.suspend to true and change it then"
        return f"spec.{self.field} is immutable once the job has started; delete the job and create a new one"
