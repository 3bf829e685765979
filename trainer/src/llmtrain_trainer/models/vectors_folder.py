"""The folder of trained word vectors: weights, the words, and the vectors as text that other libraries read.

`vectors.txt` has word2vec's format: a line with the numbers of words and dimensions, then a line for each word.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from llmtrain_trainer.errors import BadInput

WEIGHTS_FILE, CONFIG_FILE, TEXT_FILE = "model.safetensors", "config.json", "vectors.txt"
MODEL_TYPE = "llmtrain-vectors"
VECTORS = "embed_tokens.weight"


@dataclass(frozen=True, kw_only=True)
class WordVectors:
    """Words with their vectors."""

    words: Sequence[str]
    """The most frequent first."""
    vectors: NDArray[np.float32]
    """(words, width)"""

    def nearest(self, numbers: Sequence[int], count: int) -> list[list[tuple[str, float]]]:
        """Return the `count` words nearest to each word with one of these numbers, by the cosine, the nearest first."""
        units_WD = self.vectors / np.maximum(np.linalg.norm(self.vectors, axis=1, keepdims=True), 1e-12)
        found = []
        for number in numbers:
            cosines_W = units_WD @ units_WD[number]
            cosines_W[number] = -np.inf
            best = np.argsort(-cosines_W, kind="stable")[: min(count, len(self.words) - 1)]
            found.append([(self.words[other], float(cosines_W[other])) for other in best])
        return found


def save_vectors(
    vectors: WordVectors, weights: dict[str, NDArray[np.float32]], tokenizer_json: str, directory: Path
) -> None:
    """Write word vectors into `directory`, with the `weights` of all tokens. OSError if it can't be written."""
    save_file(weights, directory / WEIGHTS_FILE, metadata={"format": "pt"})
    config = {"model_type": MODEL_TYPE, "width": vectors.vectors.shape[1], "words": len(vectors.words)}
    (directory / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")
    (directory / "tokenizer.json").write_text(tokenizer_json)
    save_text(vectors, directory)


def save_text(vectors: WordVectors, directory: Path) -> None:
    """Write word vectors in word2vec's text format into `directory`. OSError if it can't be written."""
    with (directory / TEXT_FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(vectors.words)} {vectors.vectors.shape[1]}\n")
        for word, vector in zip(vectors.words, vectors.vectors, strict=True):
            file.write(f"{word} {' '.join(map(repr, vector.astype(float).tolist()))}\n")


def is_vectors_folder(directory: Path) -> bool:
    """Return whether a directory has the configuration of word vectors."""
    try:
        return bool(json.loads((directory / CONFIG_FILE).read_text())["model_type"] == MODEL_TYPE)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def load_vectors(directory: Path, words: Sequence[str]) -> WordVectors:
    """Return the word vectors that `save_vectors` wrote, of `words`. BadInput if they are damaged."""
    try:
        weights_VD = load_file(directory / WEIGHTS_FILE)[VECTORS]
    except FileNotFoundError as error:
        raise BadInput(
            f"{directory} holds no model: {WEIGHTS_FILE} is missing; name the folder that a job published"
        ) from error
    except (SafetensorError, KeyError) as error:
        raise BadInput(f"{directory / WEIGHTS_FILE} is damaged: {error}; publish the model again") from error
    if len(weights_VD) != len(words) + 1:
        raise BadInput(
            f"{directory / WEIGHTS_FILE} has {len(weights_VD) - 1} words, but tokenizer.json {len(words)}; publish the model again"
        )
    return WordVectors(words=words, vectors=weights_VD[1:])
