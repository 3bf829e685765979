"""Rules that refuse fields without an effect, and tables of tasks in CEL.

A job that runs a user's program has no task; other rules refuse its fields then.
"""

from collections.abc import Callable, Iterable, Mapping

from llmtrain_api.defaults import is_default, is_default_cel
from llmtrain_api.job import JobSpec
from llmtrain_api.rule import Rule


def unused_rules(fields: Iterable[str], where: str, cel: str, applies: Callable[[JobSpec], bool]) -> tuple[Rule, ...]:
    """Return the rules that refuse a value other than the default for `fields`, which have no effect with `where`."""

    def rule(field: str) -> Rule:
        return Rule(
            path="spec",
            field=f"spec.{field}",
            cel=f"has(self.entrypoint) || !({cel}) || ({is_default_cel(field)})",
            message=f"spec.{field} has no effect with {where}; remove it",
            violated=lambda name, spec: spec.entrypoint is None and applies(spec) and not is_default(spec, field),
        )

    return tuple(rule(field) for field in fields)


def table_cel(values: Mapping[str, tuple[str, ...]]) -> str:
    """Return the values of the job's task in CEL."""
    return "{" + ", ".join(f"'{task}': {list(names)}" for task, names in values.items()) + "}[self.task.name]"
