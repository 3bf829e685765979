"""How much of the training records has a vector in `spec.model.vectors`."""

import numpy as np

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import VectorCoverage
from llmtrain_trainer.data.labelled_dataset import LabelledDataset
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.data.tokenizer import load_tokenizer, words_of
from llmtrain_trainer.models.vector_file import vector_file_of

COUNTED_TOKENS = 2**22
"""Tokens that are in memory at a time."""


def vector_coverage(run: RunConfig, dataset_id: str) -> VectorCoverage | None:
    """Return how much of the dataset has a vector; None if the job has no file. BadInput if it is damaged.

    Token 0, which stands for all unknown words, has none.
    """
    file = vector_file_of(run)
    if file is None:
        return None
    dataset = LabelledDataset.open(run.data_directory, dataset_id, LABEL_KINDS[run.task.name])
    words = words_of(load_tokenizer(dataset.directory))
    is_covered = np.zeros(len(words) + 1, dtype=bool)
    for number, _ in file.read(words):
        is_covered[number + 1] = True
    tokens, found = dataset.training.tokens, 0
    for start in range(0, len(tokens), COUNTED_TOKENS):
        found += int(np.count_nonzero(is_covered[tokens[start : start + COUNTED_TOKENS]]))
    return VectorCoverage(words=np.count_nonzero(is_covered) / len(words), tokens=found / len(tokens))
