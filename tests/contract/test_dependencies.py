"""docs/dependencies.md names every dependency, and the programs that import it."""

import ast
import re
import tomllib

import pytest

from contract.documented import ROOT

PROGRAMS = {
    "llmtrain": "user API",
    "llmtrain_agent": "node agent",
    "llmtrain_api": "contract",
    "llmtrain_cli": "command line",
    "llmtrain_coordinator": "coordinator",
    "llmtrain_operator": "operator",
    "llmtrain_trainer": "trainer",
}
"""What the page calls each package."""
MODULES = {
    "grpcio": "grpc",
    "mlflow-skinny": "mlflow",
    "nvidia-ml-py": "pynvml",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
    "opentelemetry-sdk": "opentelemetry",
    "prometheus-client": "prometheus_client",
    "protobuf": "google",
    "python-stdnum": "stdnum",
    "pyyaml": "yaml",
}
"""Module of a package that is not named like it."""
ALL = "all"
EVERYWHERE = "pydantic"
"""Every program imports it, at least with the contract."""


def documented() -> dict[str, set[str]]:
    """Return the packages of the page's table, with what uses them."""
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \|[^\n]*\|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE
    )
    return {package: set(users.split(", ")) for packages, users in rows[1:] for package in packages.split(", ")}


def imports(package: str) -> set[str]:
    """Return the top-level modules that a package of ours imports."""
    (folder,) = ROOT.glob(f"*/src/{package}")
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    found |= {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module=str(module)):
                    found.add(module.partition(".")[0])
    return found


DOCUMENTED = documented()
IMPORTS = {name: imports(package) for package, name in PROGRAMS.items()}


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    packages = {re.split(r"[\[<>=!~]", requirement)[0] for requirement in requirements} - {"llmtrain"}
    assert packages - DOCUMENTED.keys() == set()
    assert DOCUMENTED.keys() - packages == {"uv"}, "uv is in requirements/uv.lock"


@pytest.mark.parametrize("package", sorted(DOCUMENTED.keys() - {EVERYWHERE}))
def test_a_dependency_is_used_where_the_page_says(package: str) -> None:
    module = MODULES.get(package, package)
    importing = {name for name, modules in IMPORTS.items() if module in modules}
    assert DOCUMENTED[package] & set(PROGRAMS.values()) == importing


def test_pydantic_is_used_everywhere() -> None:
    assert DOCUMENTED[EVERYWHERE] == {ALL}
    assert EVERYWHERE in IMPORTS["contract"]
