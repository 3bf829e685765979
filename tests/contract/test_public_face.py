"""The project's public files are complete, and the contributing guide is correct."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
GUIDES = ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", ".github/PULL_REQUEST_TEMPLATE.md")
TYPED = ("llmtrain", "llmtrain_api")
"""Packages that users import."""


def test_the_license_is_the_one_that_the_package_declares() -> None:
    project = PYPROJECT["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    text = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "[name of copyright owner]" not in text


@pytest.mark.parametrize("package", TYPED)
def test_a_package_that_users_import_ships_its_types(package: str) -> None:
    roots = [REPOSITORY / root for root in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["where"]]
    assert [root for root in roots if (root / package / "py.typed").exists()]
    assert PYPROJECT["tool"]["setuptools"]["package-data"][package] == ["py.typed"]


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_names_targets_that_exist(guide: str) -> None:
    named = re.findall(r"`make ([a-z][a-z0-9 -]*)", (REPOSITORY / guide).read_text())
    assert {target for words in named for target in words.split()} <= TARGETS


@pytest.mark.parametrize(
    ("name", "fields"),
    [("bug", {"what", "reproduce", "version", "environment"}), ("feature", {"problem", "proposal"})],
)
def test_a_form_asks_for_what_an_answer_needs(name: str, fields: set[str]) -> None:
    form = yaml.safe_load((REPOSITORY / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert {"name", "description", "body"} <= set(form)
    assert fields == {field["id"] for field in form["body"] if is_required(field)}


def is_required(field: Mapping[str, Any]) -> bool:
    return bool(field.get("validations", {}).get("required"))


def test_every_path_has_an_owner() -> None:
    rules = [line.split() for line in (REPOSITORY / ".github" / "CODEOWNERS").read_text().splitlines() if line.strip()]
    owned = {path: owners for path, *owners in rules if path != "#"}
    assert "*" in owned
    for path, owners in owned.items():
        assert path == "*" or (REPOSITORY / path.strip("/")).exists()
        assert all(re.fullmatch(r"@[\w-]+/[\w-]+", owner) for owner in owners)


def test_coverage_has_a_floor() -> None:
    assert 86 <= PYPROJECT["tool"]["coverage"]["report"]["fail_under"] <= 100
