"""Names in README and docs exist: metrics, fields, values, variables, events, reasons, alerts and paths."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.documented import CURRENT_PAGES, ROOT, USERS_FILES, Undocumented, page_id
from contract.documented_names import (
    ALERT_NAMES,
    FILE,
    METRICS,
    PACKAGES,
    is_field,
    is_word,
    known_words,
    leaves,
    path_exists,
    python_names,
)
from contract.documented_programs import VALUES, chart_value
from llmtrain_api.conditions import Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.rules import IMMUTABLE
from support.markdown import Page

GROUPS_OF_VALUES = tuple(f"{name}." for name, value in VALUES.items() if isinstance(value, dict) and value)
"""How the names of the chart's values begin. Fields of a job such as `resources.cpu` begin like some of them."""
SOURCE = "\n".join(
    path.read_text() for path in sorted(ROOT.glob("*/src/**/*.py")) if path.name not in ("environment.py",)
) + "\n".join(
    path.read_text() for path in (ROOT / "requirements" / "venv.sh", ROOT / "tests" / "contract" / "golden.py")
)
"""Everything that reads or sets environment variables, without the list of them."""
OPERATIONS = Page(ROOT / "docs" / "guides" / "operations.md")
JOBS = Page(ROOT / "docs" / "guides" / "jobs.md")
CONTRIBUTING = Page(ROOT / "CONTRIBUTING.md")
GENERATED_FIELDS = ROOT / "docs" / "reference" / "log-events.md"


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_metrics_exist(page: Page) -> None:
    for code in page.inline_code:
        for name in re.findall(r"\b(?:\w+:)?llmtrain_\w+(?::\w+)?(?!\w*[*/])", code):
            assert name in METRICS | PACKAGES or name.rpartition("_")[0] in METRICS, name


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_fields_and_values_exist(page: Page) -> None:
    for code in page.inline_code:
        name = code.partition(":")[0].partition("=")[0].strip().replace("[]", "")
        if re.fullmatch(r"(spec|status)(\.\w+)+", name):
            assert is_field(name), f"no resource has {name}"
        elif re.fullmatch(r"\w+(\.\w+)+", name) and name.startswith(GROUPS_OF_VALUES):
            assert is_value(name) or is_field(f"spec.{name}") or is_field(f"spec.workers.{name}"), name


def is_value(name: str) -> bool:
    try:
        chart_value(name)
    except Undocumented:
        return False
    return True


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_environment_variables_are_used_by_the_source(page: Page) -> None:
    for code in page.inline_code:
        for name in re.findall(r"LLMTRAIN_[A-Z_]+[A-Z]", code):
            assert name in SOURCE, name


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_words_exist(page: Page) -> None:
    """Log events, conditions, reasons, alerts, fields and values; in the guide for contributors also names of the source."""
    known = known_words() | (python_names() if page.path == CONTRIBUTING.path else frozenset())
    if page.path != GENERATED_FIELDS:  # it lists the fields of each event, beside the events
        assert [code for code in page.inline_code if is_word(code) and code not in known] == []


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_alerts_exist(page: Page) -> None:
    assert set(re.findall(r"\bLlmtrain[A-Z]\w+", page.text)) <= ALERT_NAMES


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_paths_exist(page: Page) -> None:
    words = [word for code in page.inline_code for word in code.split() if FILE.fullmatch(word)]
    assert [word for word in words if word not in USERS_FILES and not path_exists(word, page)] == []


def test_a_name_is_in_the_file_that_the_guide_for_contributors_says() -> None:
    places = re.findall(r"`(\w+)`(?: or `(\w+)`)?\s+(?:in|to)\s+`([\w/]+\.py)`", CONTRIBUTING.text)
    assert len(places) > 3
    for *names, path in places:
        (file,) = (root / path for root in (ROOT, *ROOT.glob("*/src/*")) if (root / path).exists())
        assert [name for name in names if name not in file.read_text()] == [], path


def test_every_reason_is_used_and_explained() -> None:
    core = "\n".join(path.read_text() for path in sorted(ROOT.glob("operator/src/llmtrain_operator/core/**/*.py")))
    assert [reason for reason in Reason if f"Reason.{reason.name}" not in core] == []
    words = set(re.findall(r"\w+", OPERATIONS.text))
    assert [str(reason) for reason in Reason if reason not in words] == []


def test_each_row_of_reasons_is_a_reason() -> None:
    tables = re.findall(r"^\| (?:Reason|Event) \|.*\n\|[-|]+\n((?:\|.*\n)+)", OPERATIONS.text, re.MULTILINE)
    rows = [row.split("|")[1].strip() for table in tables for row in table.splitlines()]
    assert len(rows) > 10
    assert set(rows) <= set(map(str, Reason))


def test_the_guide_says_when_each_field_can_change() -> None:
    rows = re.findall(r"^\| (Always|Until the job starts)[^|]*\| (.+) \|$", JOBS.text, re.MULTILINE)
    fields = {when: set[str]() for when, _ in rows}
    for when, cell in rows:
        fields[when] |= set(re.findall(r"`([\w.]+)`", cell))
    assert fields["Until the job starts"] == {part.field for part in IMMUTABLE}
    assert fields["Always"] & fields["Until the job starts"] == set()
    named = fields["Always"] | fields["Until the job starts"]
    assert [field for field in leaves(JobSpec) if not any(f"{field}.".startswith(f"{one}.") for one in named)] == []
    assert [one for one in named if not is_field(f"spec.{one}")] == []


@pytest.mark.parametrize(
    ("text", "check"),
    [
        pytest.param("`llmtrain_job_nothing`", test_metrics_exist, id="a metric"),
        pytest.param("`status.nothing`", test_fields_and_values_exist, id="a field"),
        pytest.param("`image.nothing`", test_fields_and_values_exist, id="a value"),
        pytest.param("`rbac.nothing=true`", test_fields_and_values_exist, id="an assigned value"),
        pytest.param("`LLMTRAIN_NOTHING`", test_environment_variables_are_used_by_the_source, id="a variable"),
        pytest.param("`rankHanged`", test_words_exist, id="a log event"),
        pytest.param("`VolumeMissing`", test_words_exist, id="a reason"),
        pytest.param("LlmtrainNothing", test_alerts_exist, id="an alert"),
        pytest.param("`docs/nothing.md`", test_paths_exist, id="a file"),
        pytest.param("`llmtrain_api/nothing/`", test_paths_exist, id="a folder"),
    ],
)
def test_the_checks_reject(text: str, check: Callable[[Page], None], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(AssertionError):
        check(Page(page))
