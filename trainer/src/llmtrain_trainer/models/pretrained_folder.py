"""The folder of a trained network of `transformers`: what the library writes, and how llmtrain applies it.

The library's class for the task loads it as it is, with the labels in its configuration. `llmtrain.json` has what
`llmtrain predict` needs in addition.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from llmtrain_api.model import Model
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import TOKENIZER_FILE, TOKENIZER_FILES, USE_FILE, WEIGHTS_FILE
from llmtrain_trainer.models.pretrained import PretrainedClassifier, classifier_config, read_network

ONE_FILE = 2**60
"""More bytes than weights have: they are not divided into shards."""


class ClassifierUse(Model):
    """The contents of `llmtrain.json`: how a classifier is applied."""

    task: Literal["masked", "classification", "regression", "tagging", "question-answering"] = "classification"
    """What it predicts; folders of an earlier version do not have it."""
    labels: Annotated[list[str], Field(min_length=2)] | None = None
    """The labels in the order of the network's outputs; None if it predicts tokens or numbers, or answers questions."""
    label_mean: float = 0.0
    """The mean of the numbers that it was trained on: its output is what to add to it, in standard deviations."""
    label_deviation: Annotated[float, Field(gt=0)] = 1.0
    """Their standard deviation."""
    unanswerable: bool = False
    """Whether it was trained on questions without an answer, and may give none."""
    question_column: str = ""
    """Field of the training data that held the question; empty if it reads none."""
    vocab_size: Annotated[int, Field(ge=1)]
    """That of the tokenizer."""
    max_tokens: Annotated[int, Field(ge=1)]
    """Tokens of a text that the network reads; the rest is cut off."""
    text_column: str
    """Field of the training data that held the text."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """In which the network was trained and judged."""


def save_pretrained_classifier(
    model: PretrainedClassifier,
    use: ClassifierUse,
    tokenizer_json: str,
    directory: Path,
    *,
    source: Path | None,
    special_tokens: Mapping[str, str],
) -> None:
    """Write a classifier into `directory`. OSError if the volume is full.

    The settings of the tokenizer are those in the folder `source`; without one, they name `special_tokens`.
    """
    network: Any = model.network
    network.save_pretrained(directory, max_shard_size=ONE_FILE)
    if source is None:
        _write(directory / "tokenizer_config.json", _tokenizer_settings(special_tokens, use.max_tokens))
    else:
        for name in TOKENIZER_FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, directory / name)
    (directory / TOKENIZER_FILE).write_text(tokenizer_json)
    _write(directory / USE_FILE, use.document())


def _tokenizer_settings(special_tokens: Mapping[str, str], max_tokens: int) -> dict[str, object]:
    return {"tokenizer_class": "PreTrainedTokenizerFast", **special_tokens, "model_max_length": max_tokens}


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_use(directory: Path) -> ClassifierUse:
    """Return how the classifier in `directory` is applied. BadInput if its description is not valid."""
    try:
        return ClassifierUse.model_validate_json((directory / USE_FILE).read_bytes())
    except ValidationError as error:
        raise BadInput(
            f"{directory / USE_FILE} is not valid: {str(error).splitlines()[0]}; publish the model again"
        ) from error


def load_pretrained_classifier(directory: Path, use: ClassifierUse, separator: int | None) -> PretrainedClassifier:
    """Return the classifier in `directory`, with the token that separates two texts. BadInput if its files do not fit together."""
    try:
        config = classifier_config(
            directory, use.task, use.labels or (), vocab_size=use.vocab_size, max_tokens=use.max_tokens
        )
        model = PretrainedClassifier(config, use.task, separator)
        model.network, report = read_network(directory, config, use.task)
    except BadInput:
        raise
    except Exception as error:  # the library raises anything for files that it can't load
        raise BadInput(
            f"{directory} holds no model that can be loaded: {' '.join(str(error).split())[:300]}; publish the model again"
        ) from error
    if others := sorted(report["missing_keys"]) + sorted(name for name, *_ in report["mismatched_keys"]):
        raise BadInput(f"{directory / WEIGHTS_FILE} does not fit config.json, at {others[0]}; publish the model again")
    return model
