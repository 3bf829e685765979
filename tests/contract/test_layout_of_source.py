"""Modules are neither too long to read nor too short for a name of their own, and decisions have twin tests."""

from pathlib import Path

import pytest

from contract.tracked_texts import ROOT, tracked_texts

MAX_LINES = 300
MIN_LINES = 20
MODULES = [path for path in tracked_texts() if path.endswith(".py")]
SOURCES = [path for path in MODULES if "/src/" in path and not path.endswith("__init__.py")]
SHORT = {
    "crds/src/llmtrain_api/stop_signals.py": "what every program that can be stopped shares",
    "crds/src/llmtrain_api/metrics/catalogue.py": "all metrics together, beside the modules of the exporters",
    "operator/src/llmtrain_cli/validate.py": "one module for each subcommand",
    "operator/src/llmtrain_operator/core/objects/metadata.py": "what the modules of the objects share",
    "operator/src/llmtrain_operator/core/status/workers.py": "one module for each part of the status",
}
"""Modules under `MIN_LINES`, and why their names are worth a file."""
UNIT_TESTS = {
    "agent": "operator/src/llmtrain_agent",
    "api": "crds/src/llmtrain_api",
    "cli": "operator/src/llmtrain_cli",
    "coordinator": "operator/src/llmtrain_coordinator",
    "kind": "images/src/llmtrain_kind",
    "operator": "operator/src/llmtrain_operator",
    "bench_tasks": "tests/bench_tasks",
    "real_data": "tests/real_data",
    "trainer": "trainer/src/llmtrain_trainer",
}
"""The package that each folder of tests/unit mirrors."""
WITHOUT_MODULE = {
    "tests/unit/coordinator/test_garbage.py": "what ranks can send",
    "tests/unit/operator/core/test_garbage.py": "what pods and coordinators can report",
    "tests/unit/operator/shell/test_garbage.py": "what any client can write into any object that is watched",
    "tests/unit/operator/shell/test_garbage_reconcile.py": "what any client can write into the objects of a job",
    "tests/unit/operator/shell/test_reconcile_coordinator.py": "reconcile.py with the answers of coordinators",
    "tests/unit/operator/shell/test_reconcile_claims.py": "reconcile.py with claims that the API server refuses",
    "tests/unit/operator/shell/test_reconcile_held_up.py": "reconcile.py with refusals that hold up no other request",
    "tests/unit/operator/shell/test_reconcile_objects.py": "reconcile.py with the objects of a job, whosever they are",
    "tests/unit/operator/shell/test_reconcile_refused.py": "reconcile.py with requests that the API server refuses",
    "tests/unit/operator/shell/test_store_successors.py": "store.py with jobs that wait for the model of another one",
    "tests/unit/operator/core/test_job_entrypoint.py": "job.py for jobs that run a program of the user's",
    "tests/unit/trainer/data/test_records_of_words.py": "records.py with words that have tags, and with questions",
    "tests/unit/trainer/stages/test_prepare_labels.py": "prepare.py with numbers, tags and answers",
    "tests/unit/trainer/stages/test_prepare_pairs.py": "prepare.py with pairs of texts",
    "tests/unit/trainer/stages/test_prepare_items.py": "prepare.py with events",
    "tests/unit/trainer/stages/test_prepare_mixture.py": "prepare.py with a mixture of sources",
    "tests/unit/trainer/stages/test_prepare_records.py": "prepare.py with records",
    "tests/unit/trainer/stages/test_prepare_slices.py": "prepare.py with columns by which records are judged",
    "tests/unit/trainer/stages/test_prepare_text.py": "prepare.py with text as it comes",
    "tests/unit/trainer/trainer/test_early_stopping.py": "train_loop.py and publish.py where evaluations get no better",
    "tests/unit/trainer/trainer/test_elastic_failures.py": "elastic_trainer.py where training cannot continue",
    "tests/unit/trainer/test_imports.py": "what processes that start fast must not import",
}
"""Unit tests that are not of one module."""
TWINS = {
    "operator/src/llmtrain_operator/core": "tests/unit/operator/core",
    "operator/src/llmtrain_operator/shell": "tests/unit/operator/shell",
    "operator/src/llmtrain_coordinator": "tests/unit/coordinator",
}
"""Packages of which each module has a test module at the same place of tests/unit."""
WITHOUT_TWIN = {
    "operator/src/llmtrain_coordinator/__main__.py": "processes of the integration tests run it",
    "operator/src/llmtrain_coordinator/snapshot.py": "a value without functions",
}


def lines_of(path: str) -> int:
    return len((ROOT / path).read_text().splitlines())


@pytest.mark.parametrize("path", MODULES)
def test_a_module_has_at_most_300_lines(path: str) -> None:
    assert lines_of(path) <= MAX_LINES, "split it by what can change alone"


def test_a_short_module_has_a_name_that_readers_look_for() -> None:
    short = {path for path in SOURCES if lines_of(path) < MIN_LINES}
    assert short == SHORT.keys(), "join it with the module where a reader looks for it, or state why it stands alone"


def test_each_module_of_a_decision_has_a_twin_test() -> None:
    missing = set()
    for package, tests in TWINS.items():
        for path in (path for path in SOURCES if path.startswith(f"{package}/")):
            module = Path(path).relative_to(package)
            if not (ROOT / tests / module.with_name(f"test_{module.name}")).is_file():
                missing.add(path)
    assert missing == WITHOUT_TWIN.keys()


def test_unit_tests_mirror_the_packages() -> None:
    elsewhere = set()
    for path in (path for path in MODULES if path.startswith("tests/unit/") and Path(path).name.startswith("test_")):
        folder, *rest = Path(path).relative_to("tests/unit").parts
        module = Path(UNIT_TESTS[folder], *rest)
        name = module.name.removeprefix("test_")
        if not any((ROOT / module.with_name(each)).is_file() for each in (name, f"__{name.removesuffix('.py')}__.py")):
            elsewhere.add(path)
    assert elsewhere == WITHOUT_MODULE.keys()
