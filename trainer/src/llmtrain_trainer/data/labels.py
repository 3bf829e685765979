"""What a label can be, by task: one of a few classes, a number, a tag for each word, a span, or a text to write. It is text until a shard is tokenized.

A record whose label can't be used is no record of the task; see records.py.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.bad_text import BadRecord

LabelKind = Literal["class", "number", "tags", "span", "text"]
LABEL_KINDS: Mapping[str, LabelKind] = {
    "classification": "class",
    "regression": "number",
    "tagging": "tags",
    "question-answering": "span",
    "translation": "text",
    "summarization": "text",
}
"""By the name of the task."""
LABEL_TYPES: Mapping[LabelKind, "np.dtype[np.generic]"] = {
    "class": np.dtype("<u2"),
    "number": np.dtype("<f8"),
    "tags": np.dtype("<u2"),
    "span": np.dtype("<u4"),
    "text": np.dtype("<u4"),
}
"""Types of a label in a dataset: the number of a class, the number itself, the number of the tag of a token; for an answer
these are SPAN_COLUMNS: its first and last token, 0 if there is none, the number of the window of its context, and where that
begins; for a text to write the number of tokens of the text that is read, which are before those of the other."""
SPAN_COLUMNS = 4
MAX_LABEL_CHARACTERS = 256
MAX_NUMBER = 1e30
"""Greater numbers have squares that single precision can't hold a loss of."""


class LabelProblem(NamedTuple):
    """Why a label can't be used."""

    reason: str
    """What is there instead of a label, such as "no label"."""
    record: BadRecord


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """The labels of a dataset: the names of its classes, or the distribution of its numbers."""

    names: tuple[str, ...] = ()
    """The classes or tags in the order of their numbers; empty if labels are numbers."""
    label_mean: float = 0.0
    """The mean of the numbers that are trained on."""
    label_deviation: float = 1.0
    """Their standard deviation."""
    unanswerable: bool = False
    """Whether there are questions without an answer to train on."""


def problem_with_label(label: str, kind: LabelKind, text: str = "") -> LabelProblem | None:
    """Return why the label of a text can't be used; None if it can."""
    if not label:
        return LabelProblem("no text" if kind == "text" else "no label", "noLabel")
    if kind == "tags":
        return _problem_with_tags(label.split(" "), len(text.split(" ")))
    if len(label) > MAX_LABEL_CHARACTERS and kind != "text":
        return LabelProblem(f"no label of at most {MAX_LABEL_CHARACTERS} characters", "noLabel")
    if kind == "number" and not abs(number_in(label)) <= MAX_NUMBER:
        return LabelProblem(f"no number from -{MAX_NUMBER:.0e} to {MAX_NUMBER:.0e}, but '{label}',", "noNumber")
    return None


def _problem_with_tags(tags: Sequence[str], words: int) -> LabelProblem | None:
    if len(tags) != words:
        return LabelProblem(f"{words} words, but {len(tags)} tags", "tagCount")
    if max(map(len, tags)) > MAX_LABEL_CHARACTERS:
        return LabelProblem(f"a tag of more than {MAX_LABEL_CHARACTERS} characters", "noLabel")
    return None


def number_in(label: str) -> float:
    """Return the number that a label is; NaN if it is none."""
    try:
        return math.nan if "_" in label else float(label)
    except ValueError:
        return math.nan


def classes_in(label: str, kind: LabelKind) -> Iterable[str]:
    """Return the names of the classes in a label."""
    if kind == "tags":
        return label.split(" ")
    return (label,) if kind == "class" else ()


def distribution(numbers: Sequence[NDArray[np.float64]]) -> LabelSet:
    """Return mean and deviation of numbers, the same for any division into arrays: their sums are exact."""
    least, greatest = min(part.min() for part in numbers if len(part)), max(part.max() for part in numbers if len(part))
    if least == greatest:
        return LabelSet(label_mean=float(least), label_deviation=0.0)
    count = sum(map(len, numbers))
    average = math.fsum(number for part in numbers for number in part.tolist()) / count
    variance = math.fsum((number - average) ** 2 for part in numbers for number in part.tolist()) / count
    return LabelSet(label_mean=average, label_deviation=math.sqrt(variance))
