"""What applying models has in common: the tokenizer of a folder, and the names that lines have or get."""

from collections.abc import Mapping
from pathlib import Path

from tokenizers import Tokenizer

from llmtrain_trainer.data.tokenizer import TOKENIZER_FILE, load_tokenizer
from llmtrain_trainer.errors import BadInput

PREDICTION = "prediction"
"""Field of a line for the answer."""


def load_published_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a published model. BadInput if it is not there, or damaged."""
    file = folder / TOKENIZER_FILE
    if not file.is_file():
        raise BadInput(f"{folder} holds no model: {file.name} is missing; name the folder that a job published")
    try:
        return load_tokenizer(folder)
    except Exception as error:  # the library raises nothing else
        raise BadInput(f"{file} is not valid: {error}; publish the model again") from error


def names_of(record: Mapping[str, object]) -> str:
    """Return the names of the fields of a line, for a message."""
    return ", ".join(f"'{name}'" for name in record) or "no fields"
