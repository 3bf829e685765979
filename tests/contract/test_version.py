"""One version: pyproject.toml declares it, and everything else repeats it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
VERSION: str = PROJECT["version"]
HEADING = re.compile(r"^## \[(?P<version>[^]]+)\](?: - (?P<date>\S+))?$", re.MULTILINE)


def test_the_chart_has_the_version() -> None:
    chart = yaml.safe_load((REPOSITORY / "charts" / "llmtrain" / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_changelog_has_unreleased_first_and_then_the_version_with_its_date() -> None:
    unreleased, newest, *_ = HEADING.finditer((REPOSITORY / "CHANGELOG.md").read_text())
    assert unreleased["version"] == "Unreleased"
    assert newest["version"] == VERSION
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", newest["date"])


def test_each_heading_of_the_changelog_links_to_its_changes() -> None:
    """Relative to the file's page on the host of the repository, so that they hold for a fork."""
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    unreleased, newest, *older = (match["version"] for match in HEADING.finditer(text))
    versions = [newest, *older]
    links = dict(re.findall(r"^\[([^]]+)\]: \.\./\.\./(\S+)$", text, re.MULTILINE))
    before = {version: f"compare/v{old}...v{version}" for version, old in zip(versions, older, strict=False)}
    first = {versions[-1]: f"releases/tag/v{versions[-1]}"}
    assert links == {unreleased: f"compare/v{newest}...HEAD", **before, **first}


def test_image_tags_in_documents_have_the_version() -> None:
    documents = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    tags = {
        tag
        for path in documents
        for tag in re.findall(r"llmtrain/(?:operator|trainer(?:-cpu)?):(\S+)", path.read_text())
    }
    assert tags == {VERSION}


def test_the_security_policy_supports_the_version() -> None:
    minor = VERSION.rpartition(".")[0]
    assert f"| {minor}.x | yes |" in (REPOSITORY / "SECURITY.md").read_text()
