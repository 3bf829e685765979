"""Names that were replaced by the field's own stay retired: `retired_names.yaml` lists them."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from contract.tracked_texts import ROOT, tracked_texts

RETIRED = yaml.safe_load((Path(__file__).parent / "retired_names.yaml").read_text())


def definitions(tree: ast.Module) -> set[str]:
    """Return the names of functions, classes, parameters, attributes, and variables of modules and classes."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
        if isinstance(node, ast.Module | ast.ClassDef):
            targets = [target for child in node.body for target in _targets(child)]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _targets(node: ast.stmt) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets):
            return targets
        case ast.AnnAssign(target=target):
            return [target]
    return []


def test_no_text_uses_a_retired_word() -> None:
    words = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, RETIRED["words"])) + r")(?![\w-])")
    found = [
        f"{path}:{number}: {word}"
        for path in tracked_texts()
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        for word in words.findall(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", RETIRED["files"])
def test_no_file_has_a_retired_name(path: str) -> None:
    assert not (ROOT / path).is_file()
    assert not list((ROOT / path).glob("**/*.py"))


@pytest.mark.parametrize("scope", RETIRED["definitions"])
def test_no_definition_has_a_retired_name(scope: str) -> None:
    place = ROOT / scope
    files = [place] if place.suffix else sorted(place.rglob("*.py"))
    assert files, f"{scope} moved: enter its new path in retired_names.yaml"
    retired = set(RETIRED["definitions"][scope])
    for file in files:
        assert retired & definitions(ast.parse(file.read_text())) == set(), file.relative_to(ROOT)


def test_each_kind_of_definition_is_found() -> None:
    source = "A = 1\nb: int\nclass C:\n    d: int\n    def e(self, f): self.g = 1; h = 2\n"
    assert definitions(ast.parse(source)) == {"A", "b", "C", "d", "e", "self", "f", "g"}
