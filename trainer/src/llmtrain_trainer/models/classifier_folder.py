"""The folder of a trained network for labelled sequences: weights, tokenizer, and a description with labels and sizes."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from llmtrain_api.model import Model
from llmtrain_api.model_sizes import EncoderSizes, RecurrentSizes
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.classifier import Classifier, Sizes, build_classifier
from llmtrain_trainer.models.pooling import POOLINGS

WEIGHTS_FILE, CONFIG_FILE, TOKENIZER_FILE = "model.safetensors", "config.json", "tokenizer.json"
OUTPUTS = {"regression": 1, "question-answering": 2}
"""The outputs of networks without labels, by task."""
MODEL_TYPE = "llmtrain-classifier"


class ClassifierConfig(Model):
    """The contents of `config.json`."""

    model_type: Literal["llmtrain-classifier"] = Field(default="llmtrain-classifier", alias="model_type")
    architecture: Literal["encoder", "lstm", "gru"]
    sizes: dict[str, Annotated[int, Field(ge=1)]]
    """Layers, width and, for an encoder, heads."""
    vocab_size: Annotated[int, Field(ge=1)]
    task: Literal["classification", "regression", "tagging", "question-answering"] = "classification"
    """What it predicts; folders of an earlier version do not have it."""
    labels: Annotated[list[str], Field(min_length=2)] | None = None
    """The labels in the order of the network's outputs; None if it predicts numbers or answers questions."""
    label_mean: float = 0.0
    """The mean of the numbers that it was trained on: its output is what to add to it, in standard deviations."""
    label_deviation: Annotated[float, Field(gt=0)] = 1.0
    """Their standard deviation."""
    unanswerable: bool = False
    """Whether it was trained on questions without an answer, and may give none."""
    question_column: str = ""
    """Field of the training data that held the question; empty if it reads none."""
    max_tokens: Annotated[int, Field(ge=1)]
    """Tokens of a text that the network reads; the rest is cut off."""
    text_column: str
    """Field of the training data that held the text."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """In which the network was trained and judged."""

    def build(self) -> Classifier:
        """Return the network, with uninitialized weights."""
        sizes: Sizes = EncoderSizes(**self.sizes) if self.architecture == "encoder" else RecurrentSizes(**self.sizes)
        outputs = OUTPUTS[self.task] if self.labels is None else len(self.labels)
        return build_classifier(
            self.architecture, sizes, vocab_size=self.vocab_size, pooling=POOLINGS[self.task], outputs=outputs
        )

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if (self.labels is None) != (self.task in OUTPUTS):
            raise ValueError(f"a model for the task {self.task} has {'no' if self.labels is None else 'these'} labels")
        return self


def sizes_document(sizes: Sizes) -> dict[str, int]:
    """Return sizes as `config.json` has them."""
    return asdict(sizes)


def save_classifier(model: Classifier, config: ClassifierConfig, tokenizer_json: str, directory: Path) -> None:
    """Write a network into `directory`. OSError if the volume is full or can't be written."""
    weights = {name: weight.detach().cpu().clone() for name, weight in model.named_parameters()}
    save_file(weights, directory / WEIGHTS_FILE, metadata={"format": "pt"})
    (directory / CONFIG_FILE).write_text(json.dumps(config.document(), indent=2, ensure_ascii=False) + "\n")
    (directory / TOKENIZER_FILE).write_text(tokenizer_json)


def load_classifier(directory: Path) -> tuple[Classifier, ClassifierConfig]:
    """Return the network in `directory`. BadInput if there is none, or its files do not fit together."""
    try:
        document = json.loads((directory / CONFIG_FILE).read_text())
        if document.get("model_type") != MODEL_TYPE:
            raise BadInput(
                f"{directory / CONFIG_FILE} describes a model of type {document.get('model_type')!r}, which llmtrain can't "
                "apply; name the folder that a job with another task than pretrain published"
            )
        config = ClassifierConfig.model_validate(document)
        model = config.build()
        model.load_state_dict(load_file(directory / WEIGHTS_FILE))
    except FileNotFoundError as error:
        raise BadInput(
            f"{directory} holds no model: {Path(error.filename or WEIGHTS_FILE).name} is missing; name the folder that a job published"
        ) from error
    except (ValidationError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"{directory / CONFIG_FILE} is not valid: {str(error).splitlines()[0]}; publish the model again"
        ) from error
    except SafetensorError as error:
        raise BadInput(f"{directory / WEIGHTS_FILE} is damaged: {error}; publish the model again") from error
    except RuntimeError as error:  # of load_state_dict
        raise BadInput(
            f"{directory / WEIGHTS_FILE} does not fit {CONFIG_FILE}: {' '.join(str(error).split())[:300]}; publish the model again"
        ) from error
    return model, config
