"""The check, before any worker starts, that the files of the model can be used.

The model in `spec.model.from` can be loaded and does the task, and the vectors in `spec.model.vectors` have the model's width.
"""

import importlib
from collections.abc import Mapping, Sequence

from llmtrain_api.run_config import RunConfig
from llmtrain_api.tasks import PAIR_TASKS
from llmtrain_trainer.data.shape import SampleShape
from llmtrain_trainer.models.model_folder import folder_of
from llmtrain_trainer.models.vector_file import vector_file_of
from llmtrain_trainer.training.learners import library_of

LABELS: Mapping[str, Sequence[str]] = {"classification": ("0", "1"), "tagging": ("0", "1")}
"""Stand for those of the data, which are not known yet, by task."""
TEXTS = ("a text", "a longer text beside it")
"""Stand for those of the data: of unequal length, so that one is padded."""


def require_model(run: RunConfig, shape: SampleShape) -> None:
    """BadInput if the job has a folder with a model that can't be loaded, or does not fit its tokenizer or task.

    BadInput also if it has a file of word vectors whose beginning does not fit the model.

    The weights are loaded, and two texts computed, as a worker does it. So the memory is that of the weights, twice, for seconds.
    """
    vector_file_of(run)
    if run.model.source is None or shape.tokenizer is None:
        return
    library, folder, task = importlib.import_module(library_of(run)), folder_of(run).directory, run.task.name
    sizes = {"vocab_size": shape.tokenizer.vocab_size, "max_tokens": run.data.max_tokens}
    tokens = [shape.tokenizer.encode(text, run.data.max_tokens)[0] for text in TEXTS]
    weights = run.model.weights == "Load"
    if task in PAIR_TASKS:
        config = library.folder_config(folder, task, **sizes)
        library.require_written(config, task, folder, weights=weights, tokens=tokens)
        return
    config = library.classifier_config(folder, task, LABELS.get(task, ()), **sizes)
    library.require_forward(
        config,
        task,
        folder,
        separator=shape.tokenizer.separator,
        weights=weights,
        tokens=tokens,
        explains=run.evaluation.explain > 0,
    )
