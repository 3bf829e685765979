"""The page of failures has every reason, exit code and error that the programs declare, in rows without gaps."""

import ast
import re
from collections.abc import Iterator

import pytest

from contract.documented import ROOT
from contract.documented_names import LOG_EVENTS
from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_cli.errors import CommandError
from llmtrain_operator.core.events import WARNING_REASONS
from llmtrain_operator.core.policies.disruptions import CAUSES
from llmtrain_trainer.errors import TrainerError
from support.markdown import Page

FAILURES = Page(ROOT / "docs" / "guides" / "failures.md")
WORDS = frozenset(re.findall(r"\w+", FAILURES.text))
HEAD = "| Failure | Symptom and message | Tried again | Cost |"
FAILURE_EVENT = re.compile(
    r".*(Failed|Hung|Frozen|Rejected|Silent|Unreachable|Unreadable|Expired|Disconnected|Diverged)"
)
OF_OTHERS = {
    "nvmlShutdownFailed": "the node agent's own",
    "sourceFailed": "the node agent's own",
    "leaseFailed": "the operator's own",
    "listFailed": "the operator's own",
    "watchFailed": "the operator's own",
    "reconcileFailed": "the operator's own",
    "requestRejected": "the condition APIRejected reports it",
    "eventFailed": "the operator's own",
    "objectUnreadable": "the condition Unreadable reports it",
}
"""Log events that are no failure of a job."""


def subclasses(kind: type) -> Iterator[type]:
    """Yield the subclasses of an error in its module, and theirs."""
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:
            yield child
            yield from subclasses(child)


def recorded_reasons() -> set[str]:
    """Return the reasons of failures that the operator's policies declare as constants."""
    policies = ROOT / "operator" / "src" / "llmtrain_operator" / "core" / "policies"
    statements = (node for path in policies.glob("*.py") for node in ast.parse(path.read_text()).body)
    values = (node.value for node in statements if isinstance(node, ast.Assign))
    texts = (value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str))
    return {text for text in texts if re.fullmatch(r"[A-Z][A-Za-z]+", text)}


def missing(names: set[str]) -> list[str]:
    return sorted(name for name in names if name not in WORDS)


def test_reasons_of_failures_have_a_row() -> None:
    reasons = recorded_reasons()
    assert {"NodeLost", "ProcessDied", "PodDeleted"} <= reasons
    assert missing(reasons | {*CAUSES, "OOMKilled", "Evicted"}) == []


def test_reasons_of_conditions_have_a_row() -> None:
    assert missing({str(reason) for reason in WARNING_REASONS}) == []


def test_reasons_and_exit_codes_of_processes_have_a_row() -> None:
    reasons = TerminationMessage.model_json_schema()["properties"]["reason"]["enum"]
    assert missing(set(reasons)) == []
    assert [code for code in ExitCode if f"xit code {code:d}" not in FAILURES.text] == []


@pytest.mark.parametrize("base", [TrainerError, CommandError])
def test_errors_have_a_row(base: type) -> None:
    assert missing({error.__name__ for error in subclasses(base)}) == []


def test_exit_codes_of_the_command_have_a_row() -> None:
    section = FAILURES.text.partition("## `llmtrain run`")[2]
    codes = {error.exit_code for error in subclasses(CommandError) if issubclass(error, CommandError)}
    assert set(map(int, re.findall(r"^\| Exit code (\d+)", section, re.MULTILINE))) == codes


def test_log_events_of_failures_have_a_row() -> None:
    assert OF_OTHERS.keys() <= LOG_EVENTS
    assert missing({event for event in LOG_EVENTS - OF_OTHERS.keys() if FAILURE_EVENT.fullmatch(event)}) == []


def test_every_row_says_what_is_tried_again_and_what_it_costs() -> None:
    tables = re.findall(r"^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\n)+)", FAILURES.text, re.MULTILINE)
    assert {head for head, _ in tables} == {HEAD}
    for _, rows in tables:
        for row in rows.splitlines():
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            assert len(cells) == 4, row
            assert all(cells), row
