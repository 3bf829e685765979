"""Every task of the API can be prepared, learned and published."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from llmtrain_api.job import Task
from llmtrain_trainer.stages.publish import PUBLISHERS
from llmtrain_trainer.stages.shapes import SHAPES
from llmtrain_trainer.training import learners
from llmtrain_trainer.training.learners import LEARNERS
from unit.trainer.builders import MakeRun

TASKS = get_args(Task.model_fields["name"].annotation)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_learner_a_publisher_and_a_shape(name: str) -> None:
    assert callable(importlib.import_module(LEARNERS[name]).open_task)
    assert callable(importlib.import_module(PUBLISHERS[name]).publish_model)
    assert name in SHAPES


def test_there_are_no_others() -> None:
    assert set(TASKS) == set(LEARNERS) == set(PUBLISHERS) == set(SHAPES)


@pytest.mark.parametrize("from_folder", [False, True])
def test_a_spare_imports_what_its_job_needs_and_nothing_else(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, from_folder: bool
) -> None:
    architectures: list[Path] = []
    modules: list[str] = []

    def import_module(name: str) -> SimpleNamespace:
        modules.append(name)
        return SimpleNamespace(import_architecture=lambda task, folder: architectures.append(folder))

    monkeypatch.setattr(learners.importlib, "import_module", import_module)
    model = {"from": {"volume": "models", "path": "bert"}} if from_folder else {}
    run = make_run(model=model)
    learners.preload(run.model_copy(update={"model_directory": str(tmp_path)} if from_folder else {}))
    assert modules == ["llmtrain_trainer.training.gpt_task", *([learners.PRETRAINED] if from_folder else [])]
    assert architectures == ([tmp_path] if from_folder else [])


@pytest.mark.parametrize(
    ("task", "model", "library"),
    [("classification", "bert", learners.PRETRAINED), ("translation", "t5", learners.SEQ2SEQ)],
)
def test_a_network_of_the_library_without_a_folder_is_imported_too(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, task: str, model: str, library: str
) -> None:
    found: list[Path | None] = []
    modules: list[str] = []

    def import_module(name: str) -> SimpleNamespace:
        modules.append(name)
        return SimpleNamespace(import_architecture=lambda task, folder: found.append(folder))

    monkeypatch.setattr(learners.importlib, "import_module", import_module)
    learners.preload(make_run(task={"name": task}, model={"name": model}))
    assert (modules, found) == ([LEARNERS[task], library], [None])
