"""Applying published models to a file: `python -m llmtrain_trainer.stages.predict FOLDER... IN OUT`.

Each line of IN is a JSON object with a text, words, the items of a user, or a word; OUT has the same lines, as they are
written, with the answer of the model added at their ends. Lines are read in blocks, whose texts are sorted by length before
they are cut into batches, so memory is constant and little is padding.
"""

import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch

from llmtrain_api.tasks import PAIR_TASKS
from llmtrain_trainer.data.record_values import json_object
from llmtrain_trainer.data.written_files import atomic_file
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.huggingface import own_settings
from llmtrain_trainer.models.model_folder import task_of
from llmtrain_trainer.models.vectors_folder import is_vectors_folder
from llmtrain_trainer.stages.model_command import exit_code_of, model_arguments
from llmtrain_trainer.stages.predict_averaged import AveragedPredictor
from llmtrain_trainer.stages.predict_items import Recommending
from llmtrain_trainer.stages.predict_labelled import Predictor
from llmtrain_trainer.stages.predict_vectors import NearestWords

LINES_PER_BLOCK = 4096


class Applied(Protocol):
    """A published model that answers lines."""

    @property
    def input_name(self) -> str:
        """The field that a line has its question in, unless another one is named."""

    def value_of(self, record: Mapping[str, Any], input_name: str) -> Any:
        """Return what `answers` takes of a line. BadInput if it is not there."""

    def answers(self, values: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the fields that are added to each line."""


def open_model(folder: Path, device: torch.device) -> Applied:
    """Return the model in a folder. BadInput if it holds none that can be applied."""
    if own_settings(folder).get("task") == "recommendation":
        return Recommending(folder, device)
    if task_of(folder) in PAIR_TASKS:
        from llmtrain_trainer.stages.predict_pairs import Writer

        return Writer(folder, device)
    if is_vectors_folder(folder):
        return NearestWords(folder)
    if task_of(folder) == "masked":
        from llmtrain_trainer.stages.predict_masked import MaskFilling  # imports transformers

        return MaskFilling(folder, device)
    return Predictor(folder, device)


def open_models(folders: Sequence[Path], device: torch.device) -> Applied:
    """Return the model in a folder, or those in several, whose predictions are averaged. BadInput if they can't be."""
    if len(folders) == 1:
        return open_model(folders[0], device)
    return AveragedPredictor({str(folder): open_model(folder, device) for folder in folders})


class Line(NamedTuple):
    """A line of the input."""

    place: str
    """File and number."""
    written: str
    """The JSON object, without its last brace."""
    fields: frozenset[str]
    value: Any
    """What the model answers."""

    def with_answer(self, answer: Mapping[str, object]) -> bytes:
        """Return the line with the fields of an answer at its end. BadInput if it has one of them already."""
        if taken := [name for name in answer if name in self.fields]:
            raise BadInput(
                f"{self.place}: a field '{taken[0]}' is there already; rename it, because the answer gets this name"
            )
        return f"{self.written}, {json.dumps(answer, ensure_ascii=False)[1:]}\n".encode()


def predict(
    folder: Path, source: Path, target: Path, *, text_field: str, device: torch.device, others: Sequence[Path] = ()
) -> int:
    """Write the lines of `source` with the answers of the model in `folder` to `target`; return how many there are.

    Its predictions are averaged with those of the models in the folders `others`. The text is in the field `text_field`; if
    that is empty, in the one that held it in the training data. BadInput, with file and line, if a line has none, or for a
    folder without a model. An unfinished `target` is not left behind.
    """
    model = open_models((folder, *others), device)
    lines, count = read_lines(source, model, text_field or model.input_name), 0
    try:
        with atomic_file(target) as output:
            while block := list(itertools.islice(lines, LINES_PER_BLOCK)):
                answers = model.answers([line.value for line in block])
                for line, answer in zip(block, answers, strict=True):
                    output.write(line.with_answer(answer))
                count += len(block)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        reason = "its directory does not exist" if isinstance(error, FileNotFoundError) else error.strerror
        raise BadInput(f"'{target}' can't be written: {reason}; name a file that can be created") from error
    return count


def read_lines(source: Path, model: Applied, input_name: str) -> Iterator[Line]:
    """Yield the lines of a JSONL file. BadInput, with file and line, for one that has nothing to answer in `input_name`."""
    try:
        with source.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parsed(line, f"'{source}', line {number}", model, input_name)
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise BadInput(f"'{source}' can't be read: {reason}; name a JSONL file in UTF-8") from error


def _parsed(line: str, place: str, model: Applied, input_name: str) -> Line:
    record = json_object(line)
    if record is None:
        raise BadInput(f"{place}: not a JSON object; correct the line")
    try:
        value = model.value_of(record, input_name)
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error
    return Line(place, line.rstrip().removesuffix("}").rstrip(), frozenset(record), value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = model_arguments("Adds the answers of published models to the lines of a JSONL file.", "source", "target")
    parser.add_argument("--text", default="", metavar="FIELD")
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def command() -> str:
        folder, *others = options.folders
        files = options.source, options.target
        count = predict(folder, *files, text_field=options.text, device=device, others=others)
        return f"{count} lines written to {options.target}"

    return exit_code_of(command)


if __name__ == "__main__":
    sys.exit(main())
