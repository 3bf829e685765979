"""The rules of documented commands of programs that are not this project's: Docker, pip, TensorBoard, the shell's own."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from contract.documented import ROOT, StrictParser, Undocumented, known_file
from llmtrain_api.names import AGENT_PORT, COORDINATOR_PORT, VOLUMES_DIRECTORY
from support.markdown import Page

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "charts" / "llmtrain" / "values.yaml").read_text())
STORAGE_POOLS = {pool["name"] for pool in VALUES["defaultCluster"]["spec"]["storagePools"]}
LOCAL_VOLUMES = ".llmtrain/volumes/"

COMMANDS_OF_OTHERS = {
    "dmesg": "prints the messages of the kernel",
    "git grep OLD_NAME": "finds a name in all tracked files",
    "ibstat": "prints the state of InfiniBand ports, from the package infiniband-diags",
    "openssl rand -hex 32 > token": "writes 64 random hexadecimal digits into a file",
    "nvidia-smi -q -d ECC,ROW_REMAPPER": "prints ECC errors and remapped rows; `nvidia-smi -h` lists both after -d",
}
"""Commands that name nothing of this repository, with what they do. They are covered as they stand."""


def chart_value(path: str) -> object:
    """Return the default of a value of the chart, such as `image.operator.repository`."""
    value: Any = VALUES
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise Undocumented(f"values.yaml has no {path}")
        value = value[part]
    return value


def check_helm(words: list[str], page: Page) -> None:
    """Hold one helm command against the chart."""
    if len(words) <= 1:  # in prose: a verb, or an option of all verbs
        if unknown := set(words) - {"upgrade", "uninstall", "--wait"}:
            raise Undocumented(f"helm: {unknown}")
        return
    root = StrictParser(prog="helm")
    verbs = root.add_subparsers(required=True, dest="verb")
    upgrade, listing = verbs.add_parser("upgrade"), verbs.add_parser("list")
    listing.add_argument("-n", choices=["llmtrain-system"])
    upgrade.add_argument("release", choices=["llmtrain"])
    upgrade.add_argument("chart")
    upgrade.add_argument("--install", action="store_true")
    upgrade.add_argument("--namespace", choices=["llmtrain-system"])
    upgrade.add_argument("--create-namespace", action="store_true")
    upgrade.add_argument("--set", action="append", default=[])
    options = root.parse_args(words)
    if options.verb == "upgrade":
        if not (ROOT / options.chart / "Chart.yaml").exists():
            raise Undocumented(f"helm: no chart {options.chart}")
        for assignment in options.set:
            chart_value(assignment.partition("=")[0])


def check_docker(words: list[str], page: Page) -> None:
    """Hold one docker build against the Dockerfiles and the version."""
    root = StrictParser(prog="docker")
    build = root.add_subparsers(required=True).add_parser("build")
    build.add_argument("-f", dest="file", required=True)
    build.add_argument("-t", dest="tag", required=True)
    build.add_argument("context", choices=["."])
    options = root.parse_args(words)
    known_file(options.file, page)
    repository, _, tag = options.tag.partition(":")
    if tag != PROJECT["version"] or repository.rpartition("/")[2] != Path(options.file).parent.name:
        raise Undocumented(f"docker: {options.tag} is not the image of {options.file}, version {PROJECT['version']}")


def check_pip(words: list[str], page: Page) -> None:
    """Hold one pip install against the extras of the package."""
    match words:
        case ["install", requirement] if found := re.fullmatch(r"\.\[([a-z,]+)\]", requirement):
            if unknown := set(found[1].split(",")) - set(PROJECT["optional-dependencies"]):
                raise Undocumented(f"pip: no extra {unknown}")
        case _:
            raise Undocumented(f"pip: {words}")


def check_pipx(words: list[str], page: Page) -> None:
    """Allow the installation of the one program that developers install themselves."""
    if words != ["install", "pre-commit"]:
        raise Undocumented(f"pipx: {words}")


def check_pre_commit(words: list[str], page: Page) -> None:
    """Require the configuration that the hook reads."""
    if words != ["install"] or not (ROOT / ".pre-commit-config.yaml").exists():
        raise Undocumented(f"pre-commit: {words}")


def check_source(words: list[str], page: Page) -> None:
    """Require that the page creates the environment that it activates."""
    if words != [".venv/bin/activate"] or "python3 -m venv .venv" not in page.text:
        raise Undocumented(f"sourcing {words}: no command on this page creates it")


def check_export(words: list[str], page: Page) -> None:
    """Require a search path of this repository."""
    if words != ["PYTHONPATH=images/src"]:
        raise Undocumented(f"export: {words}")


def check_curl(words: list[str], page: Page) -> None:
    """Require a server that llmtrain starts."""
    *headers, url = words
    tokens = ["--header", "Authorization: Bearer $(cat token)"]
    found = re.fullmatch(r"http://localhost:(\d+)/(metrics|v1/status)", url)
    if found is None or int(found[1]) not in (AGENT_PORT, COORDINATOR_PORT):
        raise Undocumented(f"curl: {url}")
    if headers not in ([], [*tokens, "--header", "X-Llmtrain-Job: 1"]):
        raise Undocumented(f"curl: {headers}")


def check_tensorboard(words: list[str], page: Page) -> None:
    """Require the mount of a storage pool, or a local volume."""
    root = StrictParser(prog="tensorboard")
    root.add_argument("--logdir", required=True)
    folder = Path(root.parse_args(words).logdir)
    if str(folder.parent) not in (VOLUMES_DIRECTORY, LOCAL_VOLUMES.rstrip("/")) or folder.name not in STORAGE_POOLS:
        raise Undocumented(f"tensorboard: {folder} is not where a volume is")


def check_mkdir(words: list[str], page: Page) -> None:
    """Require a folder of a local volume."""
    if words[:-1] != ["-p"]:
        raise Undocumented(f"mkdir: {words}")
    _in_local_volume(words[-1])


def check_cp(words: list[str], page: Page) -> None:
    """Require a file that exists, and a local volume."""
    *options, source, destination = words
    known_file(source, page)
    if options not in ([], ["-r"]):
        raise Undocumented(f"cp: {words}")
    _in_local_volume(destination)


def _in_local_volume(path: str) -> None:
    if not path.startswith(LOCAL_VOLUMES) or path.removeprefix(LOCAL_VOLUMES).split("/")[0] not in STORAGE_POOLS:
        raise Undocumented(f"{path} is not in a local volume")


def check_rm(words: list[str], page: Page) -> None:
    """Require the folder of local runs."""
    if words != ["-r", ".llmtrain"]:
        raise Undocumented(f"rm: {words}")
