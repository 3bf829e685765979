"""Which module learns a task. It is imported only by a job that has the task, because networks take time to import.

Such a module has `open_task`, which builds the task on a prepared dataset.
"""

import contextlib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.run_config import RunConfig
from llmtrain_api.tasks import PAIR_TASKS
from llmtrain_trainer.errors import BadInput

if TYPE_CHECKING:
    import torch

    from llmtrain_trainer.training.task import Task

LEARNERS: Mapping[str, str] = {
    "pretrain": "llmtrain_trainer.training.gpt_task",
    "masked": "llmtrain_trainer.training.masked_language",
    "classification": "llmtrain_trainer.training.labelled_learner",
    "regression": "llmtrain_trainer.training.labelled_learner",
    "tagging": "llmtrain_trainer.training.labelled_learner",
    "question-answering": "llmtrain_trainer.training.labelled_learner",
    "translation": "llmtrain_trainer.training.pair_learner",
    "summarization": "llmtrain_trainer.training.pair_learner",
    "recommendation": "llmtrain_trainer.training.recommendation",
    "word-vectors": "llmtrain_trainer.training.word_vectors",
}
"""By the name of the task."""
PRETRAINED = "llmtrain_trainer.models.pretrained"
"""The module of networks that are not llmtrain's own."""
SEQ2SEQ = "llmtrain_trainer.models.seq2seq"
"""The module of those that write a text."""


def learner_of(run: RunConfig) -> str:
    """Return the name of the module that learns the job's task."""
    return LEARNERS[run.task.name]


def library_of(run: RunConfig) -> str:
    """Return the name of the module with the job's network of `transformers`."""
    return SEQ2SEQ if run.task.name in PAIR_TASKS else PRETRAINED


def preload(run: RunConfig) -> None:
    """Import what learning the job's task needs, which takes seconds."""
    importlib.import_module(learner_of(run))
    if run.model.of_library:
        folder = Path(run.model_directory) if run.model_directory else None
        with contextlib.suppress(BadInput):  # raised again when the task is opened
            importlib.import_module(library_of(run)).import_architecture(run.task.name, folder)


def task_factory(run: RunConfig, dataset_id: str) -> "Callable[[torch.device], Task]":
    """Return what builds the job's task on a device."""
    open_task = importlib.import_module(learner_of(run)).open_task
    return lambda device: open_task(run, dataset_id, device)
