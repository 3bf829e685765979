"""Checks documented commands: there is one rule for each program that README and docs mention.

A rule parses the command as the program would and compares each name in it with what this repository has: targets,
options, values, files. A command that no rule covers is an error, so that a new one brings its rule.
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from contract.documented import PLACEHOLDER, ROOT, Undocumented, known_file, known_job, known_namespace
from contract.documented_kubectl import check_kubectl
from contract.documented_programs import (
    COMMANDS_OF_OTHERS,
    check_cp,
    check_curl,
    check_docker,
    check_export,
    check_helm,
    check_mkdir,
    check_pip,
    check_pipx,
    check_pre_commit,
    check_rm,
    check_source,
    check_tensorboard,
)
from llmtrain_agent.__main__ import parser as agent_parser
from llmtrain_cli.__main__ import main as llmtrain
from llmtrain_cli.__main__ import parser as llmtrain_parser
from llmtrain_coordinator.__main__ import parser as coordinator_parser
from real_data.sets import BY_NAME
from support.markdown import Page

OPERATORS = {"&&", "||", "|", "&", ";"}
MAKE_VALUES = {
    "HELM": {"3", "4"},
    "SETS": set(BY_NAME),
    "ROWS": {path.stem for path in (ROOT / "tests" / "bench_tasks" / "jobs").iterdir()},
}
"""Values of the variables that targets of the Makefile take."""
LOCAL_LOG = re.compile(r"\.llmtrain/logs/(?P<job>[\w-]+)/(coordinator|worker-\d+|prepare|publish)\.jsonl")

Rule = Callable[[list[str], Page], None]


def check_command(command: str, page: Page) -> None:
    """Check one line of shell. Undocumented if a rule rejects it."""
    if command in COMMANDS_OF_OTHERS:
        return
    for words in simple_commands(command):
        program = words[0]
        if program not in RULES:
            raise Undocumented(f"no rule covers {program!r}; add one for: {command}")
        RULES[program](words[1:], page)


def is_command(code: str) -> bool:
    """Return whether inline code is a command: it names a program with a rule, or looks like a program with arguments."""
    words = code.split()
    if not words or code.startswith(". "):
        return False
    looks_like_one = len(words) > 1 and re.fullmatch(r"\.?[a-z][\w/-]*", words[0]) and words[0] not in NO_PROGRAMS
    return words[0] in RULES or code in COMMANDS_OF_OTHERS or bool(looks_like_one)


NO_PROGRAMS = {"shell", "sum"}
"""First words of inline code that is an arrow between packages or a query of Prometheus."""


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


def make_recipes() -> dict[str, str]:
    """Return the recipe of each target of the Makefile."""
    text = (ROOT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z0-9-]+):(.*(?:\n\t.*)*)", text, re.MULTILINE))


def _make(words: list[str], page: Page) -> None:
    recipes = make_recipes()
    targets = [word for word in words if "=" not in word]
    if unknown := set(targets) - recipes.keys():
        raise Undocumented(f"make: no target {unknown}")
    for word in set(words) - set(targets):
        variable, _, value = word.partition("=")
        if not any(f"$({variable})" in recipes[target] for target in targets):
            raise Undocumented(f"make: {targets} use no variable {variable}")
        if value not in MAKE_VALUES[variable]:
            raise Undocumented(f"make: {variable} is one of {MAKE_VALUES[variable]}, not {value}")


def _llmtrain(words: list[str], page: Page) -> None:
    root = llmtrain_parser()
    (commands,) = [action for action in root._actions if isinstance(action, argparse._SubParsersAction)]
    if len(words) <= 1:  # in prose: the name of a command
        if unknown := set(words) - set(commands.choices):
            raise Undocumented(f"llmtrain: no command {unknown}")
        return
    if PLACEHOLDER.fullmatch(words[0]) and words[1:] == ["--help"]:
        return
    try:
        options = root.parse_args(words)
    except SystemExit as error:
        raise Undocumented(f"llmtrain: cannot parse {words}") from error
    match options.command:
        case "run" | "validate":
            known_file(str(options.file), page)
        case "predict" | "merge":
            for model in options.models:
                known_job(model)
        case "logs":
            _local_log(options.file)
        case _:
            known_job(options.job)
            known_namespace(options.namespace)
    if options.command == "validate" and (ROOT / options.file).exists() and llmtrain(words) != 0:
        raise Undocumented(f"llmtrain: {words} fails")


def _local_log(path: str) -> None:
    """Require a log that `llmtrain run` writes."""
    found = LOCAL_LOG.fullmatch(path)
    if found is None:
        raise Undocumented(f"llmtrain: {path} is not the log of a process of `llmtrain run`")
    known_job(found["job"])


def _python(words: list[str], page: Page) -> None:
    match words:
        case ["-m"] | ["-m", "venv", ".venv"]:
            pass
        case ["-m", "pytest", path, "-q"]:
            if not Path(ROOT, path).exists():
                raise Undocumented(f"pytest: no {path}")
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
        case ["-m", ("llmtrain_agent" | "llmtrain_coordinator") as module, *arguments]:
            parser = agent_parser() if module == "llmtrain_agent" else coordinator_parser()
            try:
                parser.parse_args(arguments)
            except SystemExit as error:
                raise Undocumented(f"{module}: cannot parse {arguments}") from error
        case _:
            raise Undocumented(f"python: {words}")


def _eval(words: list[str], page: Page) -> None:
    match words:
        case [text] if found := re.fullmatch(r"\$\((.+)\)", text):
            check_command(found[1], page)
        case _:
            raise Undocumented(f"eval: {words}")


RULES: dict[str, Rule] = {
    ".": check_source,
    ".venv/bin/python": _python,
    "cp": check_cp,
    "curl": check_curl,
    "docker": check_docker,
    "eval": _eval,
    "export": check_export,
    "helm": check_helm,
    "kubectl": check_kubectl,
    "llmtrain": _llmtrain,
    "make": _make,
    "mkdir": check_mkdir,
    "pip": check_pip,
    "pipx": check_pipx,
    "pre-commit": check_pre_commit,
    "python": _python,
    "python3": _python,
    "rm": check_rm,
    "tensorboard": check_tensorboard,
}
"""The rule of each program."""
