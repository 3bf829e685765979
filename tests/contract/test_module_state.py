"""Modules hold no state: what changes belongs to an object that someone creates and passes on."""

import ast

import pytest

from contract.tracked_texts import ROOT, tracked_texts

SOURCES = [path for path in tracked_texts() if path.endswith(".py") and "/src/" in path]
MUTABLE = {"list", "dict", "set", "bytearray", "defaultdict", "Counter", "deque"}
PROCESS_WIDE = {
    "trainer/src/llmtrain_trainer/fault_points.py: _armed": "tests arm points in a process whose code they do not call",
    "trainer/src/llmtrain_trainer/user_program/train_api.py: _active": "a program that Python runs gets no arguments",
    "trainer/src/llmtrain_trainer/user_program/elastic.py: sys.argv": "where Python has a program's arguments",
}
"""State of a process that nothing can pass on, and why."""


def module_state(source: str) -> set[str]:
    """Return the names that a module changes after its import: empty containers, `global`, other modules' names."""
    tree = ast.parse(source)
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _is_empty_container(statement.value):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {ast.unparse(target) for target in targets}
    imported = {alias.asname or alias.name for node in tree.body for alias in _imports(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            found |= {ast.unparse(target) for target in node.targets if _is_attribute_of(target, imported)}
    return found


def _is_empty_container(value: ast.expr | None) -> bool:
    match value:
        case ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in MUTABLE
    return False


def _imports(node: ast.stmt) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


def _is_attribute_of(target: ast.expr, imported: set[str]) -> bool:
    return isinstance(target, ast.Attribute) and ast.unparse(target.value) in imported


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param("seen = []", {"seen"}, id="a list"),
        pytest.param("cache: dict[str, int] = {}", {"cache"}, id="an annotated dict"),
        pytest.param("from collections import deque\nlast = deque(maxlen=9)", {"last"}, id="a deque"),
        pytest.param("def count():\n    global total\n    total += 1", {"total"}, id="a global"),
        pytest.param(
            "from llmtrain import training\ndef enter():\n    training.surroundings = 1",
            {"training.surroundings"},
            id="foreign",
        ),
        pytest.param("NAMES = ['a']\ndef f():\n    found = []\n    self.x = found", set(), id="constants and locals"),
    ],
)
def test_the_state_of_a_module_is_found(source: str, names: set[str]) -> None:
    assert module_state(source) == names


def test_no_module_has_state_but_for_what_belongs_to_a_process() -> None:
    found = {f"{path}: {name}" for path in SOURCES for name in module_state((ROOT / path).read_text())}
    assert found == PROCESS_WIDE.keys(), "create it where it is used first, and pass it on"
