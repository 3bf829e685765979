"""Workflows, hooks and guides call targets of the Makefile that exist, and CI tests what the README promises."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmtrain_kind.go_tools import kubernetes_version

REPOSITORY = Path(__file__).parents[2]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yaml"))
RELEASE = REPOSITORY / ".github" / "workflows" / "release.yaml"
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    """Yield the steps of all jobs of a workflow; a job that calls another workflow has none."""
    for job in load(workflow)["jobs"].values():
        yield from job.get("steps", ())


def targets(command: str) -> set[str]:
    """Return the targets of each line `make TARGET... NAME=VALUE...` of a command."""
    calls = re.findall(r"^\s*make\s+(.*)$", command, re.MULTILINE)
    return {word for call in calls for word in re.sub(r"\w+=\S.*", "", call).split()}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_that_exist(workflow: Path) -> None:
    for step in steps(workflow):
        assert targets(step.get("run", "")) <= TARGETS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_and_a_deadline(workflow: Path) -> None:
    assert load(workflow)["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in load(workflow)["jobs"].values() if "steps" in job)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_step_runs_something_and_actions_have_a_version(workflow: Path) -> None:
    for step in steps(workflow):
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "actions/checkout@v4"))


def test_hooks_call_targets_that_exist() -> None:
    (local,) = load(REPOSITORY / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    called = {target for hook in local["hooks"] for target in targets(hook["entry"])}
    assert called
    assert called <= TARGETS


def test_ci_tests_the_pythons_that_the_package_declares() -> None:
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["classifiers"]
    (fast,) = (
        job for job in load(REPOSITORY / ".github/workflows/test.yaml")["jobs"].values() if "python" in matrix(job)
    )
    assert matrix(fast)["python"] == re.findall(r"Python :: (3\.\d+)$", "\n".join(declared), re.MULTILINE)


def test_ci_tests_the_helms_that_the_readme_promises() -> None:
    (chart,) = (
        job for job in load(REPOSITORY / ".github/workflows/test.yaml")["jobs"].values() if "helm" in matrix(job)
    )
    assert " or ".join(matrix(chart)["helm"]) == "3 or 4"
    assert "Helm 3 or 4" in (REPOSITORY / "README.md").read_text()


def test_the_readme_names_the_kubernetes_that_the_chart_accepts_and_the_one_that_is_tested() -> None:
    oldest = (
        load(REPOSITORY / "charts" / "llmtrain" / "Chart.yaml")["kubeVersion"].removeprefix(">=").removesuffix(".0-0")
    )
    tested = kubernetes_version().removeprefix("v").rpartition(".")[0]
    assert f"Kubernetes {oldest} or newer (tested on {tested})" in (REPOSITORY / "README.md").read_text()


def matrix(job: dict[str, Any]) -> dict[str, list[str]]:
    """Return the matrix of a job, empty if it has none."""
    found: dict[str, list[str]] = job.get("strategy", {}).get("matrix", {})
    return found


def test_a_release_is_published_only_if_the_tests_pass() -> None:
    jobs = load(RELEASE)["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yaml"
    assert "test" in jobs["images"]["needs"]
    assert "images" in jobs["publish"]["needs"]
    assert {name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()} == {
        "images",
        "publish",
    }


def test_a_workflow_that_another_one_calls_has_its_own_concurrency_group() -> None:
    """In a called workflow, github.workflow is the caller: one group for both would cancel the caller."""
    called = load(RELEASE.with_name("test.yaml"))
    assert "workflow_call" in called[True]  # YAML 1.1 reads the key `on` as true
    assert "github.workflow" not in called["concurrency"]["group"]


@pytest.mark.parametrize(
    ("registry", "code", "written"),
    [
        pytest.param("registry.test", 0, "repository-prefix=registry.test/an-owner/llmtrain\n", id="lower case"),
        pytest.param("", 1, "", id="no registry"),
    ],
)
def test_a_release_names_repositories(registry: str, code: int, written: str, tmp_path: Path) -> None:
    (step,) = (step for step in load(RELEASE)["jobs"]["version"]["steps"] if step.get("id") == "name")
    output = tmp_path / "output"
    output.touch()
    variables = {"REGISTRY": registry, "GITHUB_REPOSITORY_OWNER": "An-Owner", "GITHUB_OUTPUT": str(output)}
    done = subprocess.run(["bash", "-e", "-c", step["run"]], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert output.read_text() == written
    assert ("REGISTRY is not set" in done.stdout) == (code != 0)


def test_a_release_builds_every_image_and_points_the_chart_at_it() -> None:
    images = {path.parent.name for path in (REPOSITORY / "images").glob("*/Dockerfile")} - {"kind-node"}
    assert set(matrix(load(RELEASE)["jobs"]["images"])["image"]) == images
    assert "s#repository: llmtrain/#repository: $REPOSITORY_PREFIX/#" in RELEASE.read_text()
    values = (REPOSITORY / "charts" / "llmtrain" / "values.yaml").read_text()
    assert set(re.findall(r"repository: llmtrain/([\w-]+)", values)) == images


def test_dependabot_watches_every_go_module_and_every_image() -> None:
    updates = {update["package-ecosystem"]: update for update in load(REPOSITORY / ".github/dependabot.yml")["updates"]}
    modules = {f"/{path.parent.relative_to(REPOSITORY)}" for path in (REPOSITORY / "images").rglob("go.mod")}
    images = {f"/images/{path.parent.name}" for path in (REPOSITORY / "images").glob("*/Dockerfile")} - {
        "/images/kind-node"
    }
    assert set(updates) == {"pip", "gomod", "github-actions", "docker"}
    assert set(updates["gomod"]["directories"]) == modules
    assert set(updates["docker"]["directories"]) == images
