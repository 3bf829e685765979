"""Rules about the keys of spec.data.columns, which the schema does not list because they are those of a map."""

from itertools import groupby

from llmtrain_api.data import Columns
from llmtrain_api.rule import Rule
from llmtrain_api.tasks import COLUMNS

KNOWN = [*Columns.model_fields]
"""The keys that some task uses. Other rules refuse those of them that the job's task does not use."""


def listed(names: tuple[str, ...]) -> str:
    """Return names as a list in a sentence, such as "text, question and label"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def unknown_column_rule(columns: tuple[str, ...], tasks: tuple[str, ...]) -> Rule:
    """Return the rule that refuses keys that no task uses, for the tasks that use `columns`."""
    where = f"{'tasks' if len(tasks) > 1 else 'task'} {listed(tasks)}"
    return Rule(
        path="spec",
        field="spec.data.columns",
        cel=f"has(self.entrypoint) || !(self.task.name in {list(tasks)}) || self.data.columns.all(k, k in {KNOWN})",
        message=f"spec.data.columns must have no other keys than {listed(columns)} with {where}; change or remove the others",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.task.name in tasks and spec.data.columns.unknown_keys != ()
        ),
    )


COLUMN_RULES: tuple[Rule, ...] = tuple(
    unknown_column_rule(columns, tuple(tasks))
    for columns, tasks in groupby(sorted(COLUMNS, key=lambda task: COLUMNS[task]), key=lambda task: COLUMNS[task])
)
"""The rules, one for all tasks that use the same columns."""
