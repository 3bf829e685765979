"""Whether a field of the spec has its default value, in Python and in CEL.

The API server applies defaults before it evaluates rules. So a rule cannot detect that a field was set, only that its
value differs from the default.
"""

from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.model import MapModel, Model


def value_at(spec: JobSpec, path: str) -> Any:
    """Return the value of the field at `path`, such as "data.tokenizer"."""
    value: Any = spec
    for name in path.split("."):
        value = getattr(value, _attribute(type(value), name))
    return value


def is_default(spec: JobSpec, path: str) -> bool:
    """Return whether the field at `path` has its default value."""
    parent, _, name = path.rpartition(".")
    kind = type(value_at(spec, parent) if parent else spec)
    default = kind.model_fields[_attribute(kind, name)].get_default(call_default_factory=True)
    return bool(value_at(spec, path) == default)


def is_default_cel(path: str) -> str:
    """Return the CEL expression, over `spec`, that the field at `path` has its default value."""
    kind: Any = JobSpec
    *parents, name = path.split(".")
    for parent in parents:
        kind = kind.model_fields[_attribute(kind, parent)].annotation
    default = kind.model_fields[_attribute(kind, name)].get_default(call_default_factory=True)
    if issubclass(kind, MapModel):
        return _key_equality(f"self.{'.'.join(parents)}", name, default)
    return " && ".join(_equalities(f"self.{path}", default))


def _equalities(path: str, default: object) -> list[str]:
    if default is None:
        return [f"!has({path})"]
    if isinstance(default, Model):
        fields = type(default).model_fields.items()
        if isinstance(default, MapModel):
            keys = {field.alias or name: getattr(default, name) for name, field in fields}
            values = [f"({_key_equality(path, key, value)})" for key, value in keys.items()]
            return [f"{path}.all(k, k in {list(keys)})", *values]
        return [term for name, field in fields for term in _equalities(f"{path}.{field.alias}", getattr(default, name))]
    return [f"{path} == {_literal(default)}"]


def _key_equality(path: str, key: str, default: object) -> str:
    """Return the CEL expression that a key of the map at `path` is absent or has its default value."""
    return f"!('{key}' in {path}) || {path}['{key}'] == {_literal(default)}"


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _attribute(kind: type[Model], alias: str) -> str:
    return next(name for name, field in kind.model_fields.items() if field.alias == alias)
