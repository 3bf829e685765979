"""The word vectors with which the embedding of a network begins. Token 0 stands for unknown words, and has none.

Letters of shape suffixes: V vocabulary, N words that are found, D width.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.models.classifier import Classifier
from llmtrain_trainer.models.model_folder import VECTORS_FIELD
from llmtrain_trainer.models.vector_file import VectorFile, vector_file_of


def vectors_identity(run: RunConfig) -> dict[str, str]:
    """Return what the initial weights depend on by field: the checksum of the file, empty without one."""
    file = vector_file_of(run)
    return {VECTORS_FIELD: file.digest if file else ""}


def with_vectors(run: RunConfig, model: Classifier, words: Callable[[], Sequence[str]]) -> Callable[[int], None]:
    """Return what sets the initial weights of `model`, a function of a seed; `words` gives those of its tokens from 1 on.

    BadInput if the job's file is not there, or has vectors of another width; when weights are set also if it is damaged.
    """
    file = vector_file_of(run)
    if file is None:
        return model.init_weights

    def init_weights(seed: int) -> None:
        model.init_weights(seed)
        load_vectors(model.body.embed_tokens, file, words(), std=model.body.embedding_std)

    return init_weights


def load_vectors(embedding: nn.Embedding, file: VectorFile, words: Sequence[str], *, std: float) -> None:
    """Replace the rows of words that the file has. BadInput if it is damaged.

    They are multiplied by one number, so that the root of their mean square is `std`: vectors in files are often of length 1, and
    beside the initial rows of a recurrent network, which are longer by far, they would say nothing.
    """
    weights_VD = embedding.weight.detach().cpu().numpy().copy()
    is_found_V = np.zeros(len(weights_VD), dtype=bool)
    for number, vector in file.read(words):
        weights_VD[number + 1], is_found_V[number + 1] = vector, True
    found_ND = weights_VD[is_found_V]
    root_mean_square = math.sqrt(np.square(found_ND, dtype=np.float64).mean()) if found_ND.size else 0.0
    if root_mean_square:
        weights_VD[is_found_V] = found_ND * np.float32(std / root_mean_square)
    with torch.no_grad():
        embedding.weight.copy_(torch.from_numpy(weights_VD))
