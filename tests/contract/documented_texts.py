"""Texts besides the pages that show commands: the notes of the chart, help texts, and the forms for issues."""

import argparse
import re
from collections.abc import Iterator

from contract.documented import ROOT
from llmtrain_agent.__main__ import parser as agent_parser
from llmtrain_cli.__main__ import parser as llmtrain_parser
from llmtrain_coordinator.__main__ import parser as coordinator_parser
from llmtrain_kind.__main__ import parser as kind_parser
from support.markdown import INLINE_CODE

NOTES = ROOT / "charts" / "llmtrain" / "templates" / "NOTES.txt"
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"
RENDERED = {
    '{{ include "llmtrain.operator" . }}': "llmtrain-operator",
    "{{ .Release.Namespace }}": "llmtrain-system",
    "{{ .Values.defaultCluster.name }}": "default",
}
"""What the templates in the notes become at a first installation."""
INDENTED = re.compile(
    r"^ {2,}(?P<command>(?:make|llmtrain|kubectl|curl|export|eval|python|helm) .+?)(?: {2,}.*)?$", re.MULTILINE
)
"""A line of a help text or of the notes that is a command, with an explanation behind it."""
EXAMPLE = re.compile(r"Example: (?P<command>.+[^:\n])$", re.MULTILINE)


def commands_elsewhere() -> Iterator[tuple[str, str]]:
    """Yield the place of each command outside of the pages, and the command."""
    notes = NOTES.read_text()
    for template, value in RENDERED.items():
        notes = notes.replace(template, value)
    texts = {"NOTES.txt": notes}
    root = llmtrain_parser()
    for parser in (root, agent_parser(), coordinator_parser(), kind_parser(), *_commands(root)):
        help_text = f"{parser.description}\n{parser.epilog or ''}"
        texts[f"help of {parser.prog}"] = help_text.replace("%(prog)s", parser.prog)
    texts |= {form.name: form.read_text() for form in sorted(FORMS.iterdir())}
    for place, text in texts.items():
        found = [match["command"] for pattern in (INDENTED, EXAMPLE) for match in pattern.finditer(text)]
        yield from ((place, command) for command in (*found, *INLINE_CODE.findall(text)))


def _commands(root: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    (commands,) = (action for action in root._actions if isinstance(action, argparse._SubParsersAction))
    return list(commands.choices.values())
