"""Checks documented commands: there is one rule for each program that README and docs mention.

A rule parses the command as the program would and compares each name in it with what this repository has: targets,
options, values, files. A command that no rule covers is an error, so that a new one brings its rule.
"""

import argparse
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from contract.documented import ROOT, StrictParser, Undocumented, known_file
from contract.documented_kubectl import check_kubectl
from llmtrain_cli.__main__ import main as llmtrain
from llmtrain_cli.__main__ import parser as llmtrain_parser
from support.markdown import Page

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OPERATORS = {"&&", "||", "|", "&", ";"}


Rule = Callable[[list[str], Page], None]


def check_command(command: str, page: Page) -> None:
    """Check one line of shell. Undocumented if a rule rejects it."""
    for words in simple_commands(command):
        program = words[0]
        if program not in RULES:
            raise Undocumented(f"no rule covers {program!r}; add one for: {command}")
        RULES[program](words[1:], page)


def simple_commands(command: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a line, without the assignments of variables before it."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in OPERATORS:
            words.append(word)
            continue
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            del words[0]
        if words:
            yield words
        words = []


def _make(words: list[str], page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE)
    for word in words:
        variable, assigned, _ = word.partition("=")
        if f"$({variable})" not in makefile if assigned else word not in targets:
            raise Undocumented(f"make: no target or variable {word}")


def _llmtrain(words: list[str], page: Page) -> None:
    root = llmtrain_parser()
    (commands,) = [action for action in root._actions if isinstance(action, argparse._SubParsersAction)]
    if len(words) <= 1:  # in prose: the name of a command
        if unknown := set(words) - set(commands.choices):
            raise Undocumented(f"llmtrain: no command {unknown}")
        return
    try:
        options = root.parse_args(words)
    except SystemExit as error:
        raise Undocumented(f"llmtrain: cannot parse {words}") from error
    if options.command in ("run", "validate"):
        known_file(str(options.file), page)
    if options.command == "validate" and (ROOT / options.file).exists() and llmtrain(words) != 0:
        raise Undocumented(f"llmtrain: {words} fails")


def _helm(words: list[str], page: Page) -> None:
    if len(words) <= 1:  # in prose: a verb, or an option of all verbs
        if unknown := set(words) - {"upgrade", "uninstall", "--wait"}:
            raise Undocumented(f"helm: {unknown}")
        return
    root = StrictParser(prog="helm")
    verbs = root.add_subparsers(required=True)
    upgrade = verbs.add_parser("upgrade")
    upgrade.add_argument("release")
    upgrade.add_argument("chart")
    upgrade.add_argument("--install", action="store_true")
    upgrade.add_argument("--namespace")
    upgrade.add_argument("--create-namespace", action="store_true")
    upgrade.add_argument("--set", action="append", default=[])
    options = root.parse_args(words)
    if not (ROOT / options.chart / "Chart.yaml").exists():
        raise Undocumented(f"helm: no chart {options.chart}")
    for assignment in options.set:
        chart_value(assignment.partition("=")[0])


def chart_value(path: str) -> object:
    """Return the default of a value of the chart, such as `image.operator.repository`."""
    value: Any = yaml.safe_load((ROOT / "charts" / "llmtrain" / "values.yaml").read_text())
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise Undocumented(f"values.yaml has no {path}")
        value = value[part]
    return value


def _docker(words: list[str], page: Page) -> None:
    root = StrictParser(prog="docker")
    build = root.add_subparsers(required=True).add_parser("build")
    build.add_argument("-f", dest="file", required=True)
    build.add_argument("-t", dest="tag", required=True)
    build.add_argument("context")
    options = root.parse_args(words)
    known_file(options.file, page)
    repository, _, tag = options.tag.partition(":")
    if tag != PROJECT["version"] or repository.rpartition("/")[2] != Path(options.file).parent.name:
        raise Undocumented(f"docker: {options.tag} is not the image of {options.file}, version {PROJECT['version']}")


def _pip(words: list[str], page: Page) -> None:
    match words:
        case ["install", requirement] if found := re.fullmatch(r"\.\[([a-z,]+)\]", requirement):
            if unknown := set(found[1].split(",")) - set(PROJECT["optional-dependencies"]):
                raise Undocumented(f"pip: no extra {unknown}")
        case _:
            raise Undocumented(f"pip: {words}")


def _python(words: list[str], page: Page) -> None:
    match words:
        case ["-m", "venv", ".venv"]:
            pass
        case ["-m", "llmtrain_kind", verb]:  # runs before anything is installed, so its help is read from a process
            done = subprocess.run(
                [sys.executable, "-m", "llmtrain_kind", verb, "--help"],
                cwd=ROOT,
                env={"PYTHONPATH": str(ROOT / "images" / "src")},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise Undocumented(done.stderr)
        case _:
            raise Undocumented(f"python3: {words}")


def _eval(words: list[str], page: Page) -> None:
    match words:
        case [text] if found := re.fullmatch(r"\$\((.+)\)", text):
            check_command(found[1], page)
        case _:
            raise Undocumented(f"eval: {words}")


def _source(words: list[str], page: Page) -> None:
    if words != [".venv/bin/activate"] or "python3 -m venv .venv" not in page.text:
        raise Undocumented(f"sourcing {words}: no command on this page creates it")


def _tensorboard(words: list[str], page: Page) -> None:
    root = StrictParser(prog="tensorboard")
    root.add_argument("--logdir", required=True)
    root.parse_args(words)


VOLUMES = ".llmtrain/volumes/"


def _mkdir(words: list[str], page: Page) -> None:
    if words[:-1] != ["-p"] or not words[-1].startswith(VOLUMES):
        raise Undocumented(f"mkdir: {words}")


def _cp(words: list[str], page: Page) -> None:
    *options, source, destination = words
    known_file(source, page)
    if options not in ([], ["-r"]) or not destination.startswith(VOLUMES):
        raise Undocumented(f"cp: {words}")


def _rm(words: list[str], page: Page) -> None:
    if words != ["-r", ".llmtrain"]:
        raise Undocumented(f"rm: {words}")


RULES: dict[str, Rule] = {
    ".": _source,
    "cp": _cp,
    "docker": _docker,
    "eval": _eval,
    "helm": _helm,
    "kubectl": check_kubectl,
    "llmtrain": _llmtrain,
    "make": _make,
    "mkdir": _mkdir,
    "pip": _pip,
    "python3": _python,
    "rm": _rm,
    "tensorboard": _tensorboard,
}
"""The rule of each program."""
