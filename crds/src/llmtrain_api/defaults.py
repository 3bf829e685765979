"""Whether a part of the spec is as it is by default, in Python and in CEL.

The API server fills defaults in before it evaluates rules, so a rule can't see whether a field was written, but only
whether it says anything else than the default.
"""

from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.model import Model


def is_default(spec: JobSpec, path: str) -> bool:
    """Return whether the part at `path`, such as "data.tokenizer", is as it is by default."""
    holder: Any = spec
    *parents, name = path.split(".")
    for parent in parents:
        holder = getattr(holder, _attribute(type(holder), parent))
    attribute = _attribute(type(holder), name)
    default = type(holder).model_fields[attribute].get_default(call_default_factory=True)
    return bool(getattr(holder, attribute) == default)


def is_default_cel(path: str) -> str:
    """Return the same in CEL, over `spec`."""
    kind: Any = JobSpec
    *parents, name = path.split(".")
    for parent in parents:
        kind = kind.model_fields[_attribute(kind, parent)].annotation
    default = kind.model_fields[_attribute(kind, name)].get_default(call_default_factory=True)
    return " && ".join(_equalities(f"self.{path}", default))


def _equalities(path: str, default: object) -> list[str]:
    if default is None:
        return [f"!has({path})"]
    if isinstance(default, Model):
        fields = type(default).model_fields.items()
        return [part for name, field in fields for part in _equalities(f"{path}.{field.alias}", getattr(default, name))]
    return [f"{path} == {_literal(default)}"]


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _attribute(kind: type[Model], alias: str) -> str:
    return next(name for name, field in kind.model_fields.items() if field.alias == alias)
