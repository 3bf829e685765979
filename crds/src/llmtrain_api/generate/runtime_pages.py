"""Reference pages of what running programs use: log events and environment variables."""

import ast
import inspect
from collections.abc import Iterator
from typing import get_args

from llmtrain_api import environment, events
from llmtrain_api.generate.markdown import code, page, table
from llmtrain_api.jsonlog import Level

TITLES = {
    "CoordinatorEvent": "Coordinator",
    "AgentEvent": "Node agent",
    "TrainerEvent": "Trainer",
    "OperatorEvent": "Operator",
}
"""Title of each class of events."""


def log_events_page() -> str:
    """Return docs/reference/log-events.md."""
    blocks = []
    for name, title in TITLES.items():
        text, declared = _class(name)
        rows = ((code(event), description) for event, description in declared)
        blocks += [f"## {title}", text, table(("Event", "Meaning and fields"), rows)]
    *levels, last = (code(level) for level in get_args(Level))
    return page(
        "Log events",
        "Every program logs JSON objects, one per line, to standard output. Every line has the fields `time` (RFC 3339, "
        f"UTC), `level` ({', '.join(levels)} or {last}) and `event`. With the chart value `logLevel: debug`, the operator "
        "also writes lines of level `debug`. `llmtrain logs` formats them for reading.",
        *blocks,
    )


def environment_page() -> str:
    """Return docs/reference/environment.md."""
    blocks = []
    for title, (introduction, variables) in environment.SECTIONS.items():
        rows = ((code(one.name), one.default, one.description) for one in variables)
        blocks += [f"## {title}", introduction, table(("Variable", "Default", "Meaning"), rows)]
    return page("Environment variables", *blocks)


def _class(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the docstring of a class of events, and each event with the docstring below it."""
    tree = ast.parse(inspect.getsource(events))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return ast.get_docstring(found) or "", list(_documented(found))


def _documented(declared: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for assignment, docstring in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(assignment, ast.Assign):
            if not isinstance(docstring, ast.Expr):
                raise TypeError(f"{declared.name}: line {assignment.lineno} declares an event without a docstring")
            yield ast.literal_eval(assignment.value), ast.literal_eval(docstring.value)
