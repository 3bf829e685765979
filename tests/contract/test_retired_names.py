"""Names that were replaced by the field's own stay retired: `retired_names.yaml` lists them."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from contract.tracked_texts import ROOT, tracked_texts

RETIRED = yaml.safe_load((Path(__file__).parent / "retired_names.yaml").read_text())


def definitions(tree: ast.Module) -> set[str]:
    """Return the names of functions, classes, parameters, attributes and variables."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
    return found


def python_files(path: str) -> list[Path]:
    """Return the Python files of a folder, or the one file; AssertionError if there is none."""
    place = ROOT / path
    files = [place] if place.suffix else sorted(place.rglob("*.py"))
    assert files, f"{path} moved: enter its new path in retired_names.yaml"
    return files


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
    retired = set(RETIRED["definitions"][scope])
    for file in python_files(scope):
        assert retired & definitions(ast.parse(file.read_text())) == set(), file.relative_to(ROOT)


def test_no_test_defines_a_retired_name_unless_it_is_an_ordinary_word() -> None:
    retired = {name for names in RETIRED["definitions"].values() for name in names}
    found = {
        name: file for file in python_files("tests") for name in retired & definitions(ast.parse(file.read_text()))
    }
    ordinary = set(RETIRED["ordinary_in_tests"])
    assert {name: str(found[name].relative_to(ROOT)) for name in found.keys() - ordinary} == {}
    assert ordinary - found.keys() == set(), "no test uses these words: remove them from the list"


def test_bounds_are_maxima_and_minima() -> None:
    prefixes = tuple(RETIRED["prefixes"])
    for package in ("charts", "crds", "docs", "images", "operator", "tests", "trainer"):
        for file in python_files(package):
            found = {name for name in definitions(ast.parse(file.read_text())) if name.startswith(prefixes)}
            assert found == set(), file.relative_to(ROOT)


def test_each_kind_of_definition_is_found() -> None:
    source = "A = 1\nb: int\nclass C:\n    d: int\n    def e(self, f): self.g = 1; h = f.i\n"
    assert definitions(ast.parse(source)) == {"A", "b", "C", "d", "e", "self", "f", "g", "h"}
