"""Tests import helpers, never other tests: helpers are in tests/support or beside their tests, fixtures in a conftest."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = [pytest.param(file, id=str(file.relative_to(TESTS))) for file in sorted(TESTS.rglob("*.py"))]
SKIP_FORMAT = "# fmt: " + "skip"
UNUSED_ID = "sentence"
"""An argument that only named the case; `pytest.param(..., id="...")` does."""


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of each module, or name in a module, that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_of_tests(module: str) -> bool:
    """Return whether a name leads into a conftest or a test module of this repository."""
    folder, *rest = module.split(".")
    ours = (TESTS / folder).is_dir() or (TESTS / f"{folder}.py").is_file()
    return ours and any(part == "conftest" or part.startswith("test_") for part in [folder, *rest])


def unused_ids(tree: ast.Module) -> list[str]:
    """Return the tests with an argument that names their case and that they don't read."""
    return [
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and function.name.startswith("test_")
        and UNUSED_ID in {argument.arg for argument in function.args.args}
        and UNUSED_ID not in {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    ]


@pytest.mark.parametrize("file", FILES)
def test_no_test_imports_from_a_conftest_or_a_test_module(file: Path) -> None:
    assert [module for module in imported_modules(ast.parse(file.read_text())) if is_of_tests(module)] == []


@pytest.mark.parametrize("file", FILES)
def test_the_formatter_formats_every_line(file: Path) -> None:
    assert SKIP_FORMAT not in file.read_text()


@pytest.mark.parametrize("file", FILES)
def test_cases_are_named_by_their_id(file: Path) -> None:
    assert unused_ids(ast.parse(file.read_text())) == []
