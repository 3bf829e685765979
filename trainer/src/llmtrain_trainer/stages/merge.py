"""Averaging the weights of published models of one shape (Wortsman et al. 2022): `python -m llmtrain_trainer.stages.merge FOLDER... OUT`.

Each weight is the sum in float64, in the order in which the folders are named, divided by their number and rounded once.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.data.tokenizer import load_tokenizer, words_of
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import (
    CONFIG_FILE,
    GENERATION_FILE,
    TOKENIZER_FILE,
    TOKENIZER_FILES,
    USE_FILE,
    WEIGHTS_FILE,
)
from llmtrain_trainer.models.vectors_folder import VECTORS, WordVectors, is_vectors_folder, save_text
from llmtrain_trainer.stages.model_command import exit_code_of, model_arguments

COMPARED_FILES = (CONFIG_FILE, USE_FILE)
"""Files with the shape of a network and how it is applied, which have to say the same."""
NO_SHAPE = frozenset({"transformers_version", "_name_or_path"})
"""Fields that say where a file comes from."""
COPIED_FILES = (CONFIG_FILE, USE_FILE, GENERATION_FILE, *TOKENIZER_FILES)
"""What a merged folder has of the first one. No evaluation: the merged model was not judged."""


def merge(folders: Sequence[Path], target: Path) -> int:
    """Write a folder `target` with the average of the weights in `folders`; return the number of weights.

    BadInput if the models differ in more than their weights, if one is not complete, or if `target` exists or can't be created.
    """
    if len(folders) < 2:
        raise BadInput("only one model is named; name those to average, and then the folder to write")
    if os.path.lexists(target):
        raise BadInput(f"'{target}' is there already; name a new folder")
    for other in folders[1:]:
        _require_one_shape(folders[0], other)
    weights = average_weights(folders)
    with _created(target) as unfinished:
        for name in COPIED_FILES:
            if (folders[0] / name).is_file():
                shutil.copyfile(folders[0] / name, unfinished / name)
        save_file(weights, unfinished / WEIGHTS_FILE, metadata={"format": "pt"})
        if is_vectors_folder(unfinished):
            words = words_of(load_tokenizer(unfinished))
            save_text(WordVectors(words=words, vectors=weights[VECTORS][1:].numpy()), unfinished)
    return sum(weight.numel() for weight in weights.values())


def average_weights(folders: Sequence[Path]) -> dict[str, Tensor]:
    """Return the average of each weight by its name. BadInput if names or shapes differ, or a file is damaged."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_opened(folder / WEIGHTS_FILE)) for folder in folders]
        names = [set(file.keys()) for file in files]
        for folder, others in zip(folders, names, strict=True):
            if difference := sorted(others ^ names[0]):
                raise BadInput(
                    f"only one of '{folders[0]}' and '{folder}' has the weight {difference[0]}; merge models of one architecture"
                )
        return {name: _average(name, folders, [file.get_tensor(name) for file in files]) for name in sorted(names[0])}


def _average(name: str, folders: Sequence[Path], weights: Sequence[Tensor]) -> Tensor:
    for folder, weight in zip(folders, weights, strict=True):
        if (weight.shape, weight.dtype) != (weights[0].shape, weights[0].dtype):
            raise BadInput(
                f"the weight {name} has the shape {list(weights[0].shape)} and type {weights[0].dtype} in '{folders[0]}', but "
                f"{list(weight.shape)} and {weight.dtype} in '{folder}'; merge models of one shape"
            )
    weight_sum = weights[0].to(torch.float64)
    for weight in weights[1:]:
        weight_sum = weight_sum + weight
    return (weight_sum / len(weights)).to(weights[0].dtype)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        opened = safe_open(file, "pt")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _incomplete(file) from error
    except SafetensorError as error:
        raise BadInput(f"'{file}' is damaged: {error}; publish the model again") from error
    with opened as weights:
        yield weights


@contextlib.contextmanager
def _created(target: Path) -> Iterator[Path]:
    """Yield the new directory that becomes `target`. BadInput if it can't be created."""
    with contextlib.ExitStack() as stack:
        try:
            unfinished = stack.enter_context(atomic_directory(target))
        except OSError as error:
            raise BadInput(
                f"'{target}' can't be written: {error.strerror}; name a folder that can be created"
            ) from error
        yield unfinished


def _incomplete(file: Path) -> BadInput:
    """Return the error of a folder without a file that each published model has."""
    return BadInput(f"'{file.parent}' has no {file.name}; name the folder that a job published")


def _require_one_shape(first: Path, other: Path) -> None:
    """BadInput, with both values, if two models differ in more than their weights."""
    for name in COMPARED_FILES:
        ours, theirs = (_flat("", _document(folder / name)) for folder in (first, other))
        for setting in (*ours, *theirs):
            if ours.get(setting) != theirs.get(setting) and setting not in NO_SHAPE:
                raise BadInput(
                    f"{name}: {setting} is {_shown(ours.get(setting))} in '{first}', but {_shown(theirs.get(setting))} in '{other}'; "
                    "merge models that differ in their weights alone"
                )
    tokenizers = [folder / TOKENIZER_FILE for folder in (first, other)]
    for file in tokenizers:
        if not file.is_file():
            raise _incomplete(file)
    if tokenizers[0].read_bytes() != tokenizers[1].read_bytes():
        raise BadInput(
            f"'{tokenizers[0]}' and '{tokenizers[1]}' differ, so a token is another one; merge models with one tokenizer"
        )


def _document(file: Path) -> Mapping[str, Any]:
    """Return the JSON object in a file; an empty one if it is not there."""
    try:
        document = json.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise BadInput(f"'{file}' is not valid: {error}; publish the model again") from error
    return document if isinstance(document, dict) else {}


def _flat(prefix: str, value: object) -> dict[str, object]:
    """Return the values of a JSON object by their path."""
    if not isinstance(value, dict):
        return {prefix: value}
    parts = (_flat(f"{prefix}.{name}" if prefix else name, part) for name, part in value.items())
    return {name: part for each in parts for name, part in each.items()}


def _shown(value: object) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)[:100]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = model_arguments("Averages the weights of published models of one shape.", "target")
    options = parser.parse_args(arguments)

    def command() -> str:
        count = merge(options.folders, options.target)
        return f"the average of {len(options.folders)} models, {count:,} weights, is in {options.target}"

    return exit_code_of(command)


if __name__ == "__main__":
    sys.exit(main())
