"""Shared by the rules of documented commands, names and YAML: the pages, the reader's names, and the error that rules raise."""

import argparse
import re
from functools import cache, cached_property
from pathlib import Path
from typing import NoReturn

import yaml

from llmtrain_api.names import JOB_KIND, coordinator_name, prepare_name, publish_name
from support.markdown import Page

ROOT = Path(__file__).parents[2]


class Changelog(Page):
    """The changelog without what it says about the past: older releases, and the column of old names."""

    @cached_property
    def text(self) -> str:
        """Return the section of unreleased changes, with the last column of its tables alone."""
        unreleased = self.path.read_text().partition("\n## [Unreleased]")[2].partition("\n## [")[0]
        return re.sub(r"^\|.*\|(?=[^|\n]+\|$)", "|", unreleased, flags=re.MULTILINE)


CHANGELOG = Changelog(ROOT / "CHANGELOG.md")
PAGES = [
    *(Page(path) for pattern in ("*.md", "docs/**/*.md", ".github/*.md") for path in sorted(ROOT.glob(pattern))),
]
"""Every page, the changelog with its whole text."""
CURRENT_PAGES = [CHANGELOG if page.path == CHANGELOG.path else page for page in PAGES]
"""Every page, as far as it describes the repository as it is."""
USERS_FILES = {"job.yaml", "books"}
"""Files of the reader that commands name without a page that asks to save them."""
USERS_JOBS = {"gpt"}
"""Jobs of the reader that help texts name."""
NAMESPACES = {"default", "llmtrain-system", "monitoring", "team"}
PLACEHOLDER = re.compile(r"[A-Z]+")
"""A word that the reader replaces, such as NAME."""


class Undocumented(AssertionError):
    """A command that no rule covers, or that names something that does not exist."""


class StrictParser(argparse.ArgumentParser):
    """Raises Undocumented where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        """Raise Undocumented with argparse's message."""
        raise Undocumented(f"{self.prog}: {message}")


def page_id(page: Page) -> str:
    """Return the path of a page, as the id of a case."""
    return str(page.path.relative_to(ROOT))


def known_file(name: str, page: Page) -> None:
    """Require a file that is in the repository, or that the page asks to save."""
    if not (name in page.saved or name in USERS_FILES or (ROOT / name).exists()):
        raise Undocumented(f"{name}: neither in the repository nor saved by {page.path.name}")


def known_namespace(name: str) -> None:
    """Require a namespace that the docs use, or a placeholder."""
    if name not in NAMESPACES and not PLACEHOLDER.fullmatch(name):
        raise Undocumented(f"no page uses a namespace {name}")


@cache
def job_names() -> frozenset[str]:
    """Return the names of the jobs in the examples and in the YAML blocks of all pages."""
    texts = [path.read_text() for path in ROOT.glob("examples/*.yaml")]
    texts += [block.text for page in PAGES for block in page.blocks if block.language == "yaml"]
    documents = [document for text in texts for document in yaml.safe_load_all(text)]
    jobs = (document for document in documents if isinstance(document, dict) and document.get("kind") == JOB_KIND)
    return frozenset(job["metadata"]["name"] for job in jobs) | USERS_JOBS


def known_job(name: str) -> None:
    """Require the name of a job that a page or an example declares, or a placeholder."""
    if name not in job_names() and not PLACEHOLDER.fullmatch(name):
        raise Undocumented(f"no page and no example has a job {name}")


def known_pod(name: str, page: Page) -> None:
    """Require a pod of a known job, a pod that the page creates, or a placeholder."""
    created = re.findall(r"^kubectl run ([\w-]+)", page.text, re.MULTILINE)
    created += re.findall(r"^kind: Pod\nmetadata: {name: ([\w-]+)}$", page.text, re.MULTILINE)
    if PLACEHOLDER.fullmatch(name) or name in created:
        return
    suffixes = [re.escape(suffix("")) for suffix in (coordinator_name, prepare_name, publish_name)]
    of_job = re.fullmatch(rf"([\w-]+?)(?:{'|'.join(suffixes)}|-worker-\d+)", name)
    if of_job is None:
        raise Undocumented(f"{name} is not the name of a pod")
    known_job(of_job[1])
