"""Writes the reference pages of the command line and of the chart's values: `python docs/reference.py`.

They are here because the contract, which generates the other pages, must import neither. `make render` calls this.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from llmtrain_api.generate.markdown import code, page, table
from llmtrain_cli.__main__ import EXIT_CODES, parser

REPOSITORY = Path(__file__).parents[1]
REFERENCE = REPOSITORY / "docs" / "reference"
CHART = REPOSITORY / "charts" / "llmtrain"
DEFAULT = re.compile(r" ?\(default: (?P<value>[^)]*)\)")
"""How the help of an option states its default, which has a column of its own here."""
CLUSTER_SPEC = ("defaultCluster", "spec")
KEY = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z]\w*):")


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    root = parser()
    blocks = []
    for name, (help_text, command) in _commands(root).items():
        rows = [_argument(action) for action in command._actions if not isinstance(action, argparse._HelpAction)]
        blocks += [f"## llmtrain {name}", _sentence(help_text), table(("Argument", "Default", "Meaning"), rows)]
    return page(
        "Command line",
        f"{root.description} Install it from a checkout with `pip install '.[cli]'`; `llmtrain run` also needs the extra "
        "`trainer`, `llmtrain mlflow` the extra `mlflow`.",
        f"Exit codes: {EXIT_CODES}.",
        *blocks,
    )


def values_page() -> str:
    """Return docs/reference/values.md."""
    text = (CHART / "values.yaml").read_text()
    values, schema = yaml.safe_load(text), json.loads((CHART / "values.schema.json").read_text())
    rows = []
    for path, comment in _documented(text):
        if "properties" not in _declared(schema, path[:-1]) or path[: len(CLUSTER_SPEC)] == CLUSTER_SPEC != path:
            continue  # a key below a free-form map, or one that cluster.md describes
        declared = _declared(schema, path)
        value = _lookup(values, path)
        is_group = isinstance(value, dict) and "properties" in declared
        if comment or not is_group:
            default = "" if is_group or path == CLUSTER_SPEC else code(_flow(value))
            rows.append((code(".".join(path)), default, _allowed(declared), comment))
    return page(
        "Chart values",
        "Values of the Helm chart `charts/llmtrain`. `values.schema.json` rejects other names, types and ranges. "
        "[LLMCluster](cluster.md) describes `defaultCluster.spec`.",
        table(("Value", "Default", "Allowed", "Meaning"), rows),
    )


def _commands(root: argparse.ArgumentParser) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Return help and parser of each subcommand."""
    (commands,) = (action for action in root._actions if isinstance(action, argparse._SubParsersAction))
    helps = {choice.dest: choice.help or "" for choice in commands._choices_actions}
    return {name: (helps[name], command) for name, command in commands.choices.items()}


def _argument(action: argparse.Action) -> tuple[str, str, str]:
    metavar = str(action.metavar or action.dest.upper())
    if action.option_strings:
        takes_value = action.nargs != 0
        name = ", ".join(f"{option} {metavar}" if takes_value else option for option in action.option_strings)
    else:
        name = f"[{metavar}]" if action.nargs == "?" else f"{metavar} ..." if action.nargs == "+" else metavar
    default = "" if action.default in (None, False, argparse.SUPPRESS) else str(action.default)
    text = (action.help or "").replace("%(default)s", default)
    stated = DEFAULT.search(text)
    return code(name), code(default or (stated["value"] if stated else "")), _sentence(DEFAULT.sub("", text))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "." if text else ""


def _documented(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key of a YAML file with its path and the comment above it."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.strip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
            continue
        if match := KEY.match(line):
            indent = len(match["indent"])
            path = [*((at, name) for at, name in path if at < indent), (indent, match["name"])]
            yield tuple(name for _, name in path), " ".join(comment)
        comment = []


def _lookup(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


def _declared(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of one value, or an empty one below a free-form map."""
    node = schema
    for name in path:
        node = node.get("properties", {}).get(name, {})
        if "$ref" in node:
            node = schema["definitions"][node["$ref"].rpartition("/")[2]]
    return node


def _allowed(declared: dict[str, Any]) -> str:
    if "enum" in declared:
        return ", ".join(code(_flow(value)) for value in declared["enum"])
    bounds = {"minimum": "at least {}", "maximum": "at most {}", "pattern": "matches `{}`"}
    return ", ".join(
        [
            *([declared["type"]] if isinstance(declared.get("type"), str) else []),
            *(text.format(declared[key]) for key, text in bounds.items() if key in declared),
        ]
    )


def _flow(value: Any) -> str:
    """Return a value as YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).strip().removesuffix("\n...")


PAGES = {"cli.md": cli_page, "values.md": values_page}


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for file, render in PAGES.items():
        (REFERENCE / file).write_text(render())
