"""The generated reference pages are up to date, and the environment's names what the parts read."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
assert spec is not None
assert spec.loader is not None
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

SOURCES = ("crds/src", "operator/src", "trainer/src/llmtrain_trainer", "images/src", "requirements/venv.sh")
NOT_VARIABLES = {"LLMTRAIN_", "LLMTRAIN_CHAOS"}


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_up_to_date(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert (ROOT / "docs" / "reference" / name).read_text() == reference.PAGES[name](), "run `make render`"


def test_every_variable_of_the_environment_is_listed() -> None:
    listed = subprocess.run(["git", "ls-files", "--", *SOURCES], cwd=ROOT, check=True, capture_output=True, text=True)
    used = {
        name
        for path in listed.stdout.splitlines()
        for name in re.findall(r"\bLLMTRAIN_[A-Z_]*[A-Z]\b", (ROOT / path).read_text())
    }
    assert used - NOT_VARIABLES == set(reference.ENVIRONMENT)
