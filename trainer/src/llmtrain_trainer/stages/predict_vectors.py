"""Applying published word vectors: the ten words nearest to a word."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llmtrain_trainer.data.tokenizer import words_of
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.vectors_folder import load_vectors
from llmtrain_trainer.stages.published import PREDICTION, load_published_tokenizer, names_of

NEAREST = 10
SIMILARITY = "similarity"
"""Field of a line for the cosines."""


class NearestWords:
    """Published word vectors. Implements `Applied`."""

    input_name = "word"

    def __init__(self, folder: Path) -> None:
        """Load a folder. BadInput if it holds no word vectors."""
        tokenizer = load_published_tokenizer(folder)
        self._vectors = load_vectors(folder, words_of(tokenizer))
        self._numbers = {word: number for number, word in enumerate(self._vectors.words)}

    def value_of(self, record: Mapping[str, Any], input_name: str) -> int:
        """Return the number of the word of a line. BadInput if it is not there, or unknown."""
        word = record.get(input_name)
        if not isinstance(word, str):
            raise BadInput(f"no word in '{input_name}', but {names_of(record)}; add it, or name the field with --text")
        number = self._numbers.get(word.strip().lower())
        if number is None:
            raise BadInput(
                f"'{word[:64]}' has no vector, because it is rare in the text or not there; leave out the line"
            )
        return number

    def answers(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return the words nearest to each word, and their cosines."""
        return [
            {PREDICTION: [word for word, _ in nearest], SIMILARITY: [round(cosine, 6) for _, cosine in nearest]}
            for nearest in self._vectors.nearest(numbers, NEAREST)
        ]
