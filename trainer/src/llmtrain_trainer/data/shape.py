"""What prepare makes of the documents of a source: samples of one shape, whatever the task is that learns from them.

    text_shape.py       running text, which is cut into windows when it is read
    labelled_shape.py   labelled sequences: a text and its label
    item_shape.py       item sequences: the events of each user, in order of time

A shape says how the source is read and split, and writes the samples of a shard and the dataset of all shards. The rest of
prepare, from reading to the index of sources, knows only this interface.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import DatasetFile
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.progress import Phase
from llmtrain_trainer.data.records import Layout
from llmtrain_trainer.data.report import DataReport
from llmtrain_trainer.data.scan import UnitScan
from llmtrain_trainer.data.shards import Shard, TokenizeTask
from llmtrain_trainer.data.split import Split


class Samples(Protocol):
    """The samples of all shards, before they are a dataset."""

    @property
    def size(self) -> int:
        """Bytes to write."""

    def assemble(
        self, *, dataset: str, directory: Path, replace: bool, report: DataReport, phase: Phase
    ) -> DatasetFile:
        """Write the dataset directory; `replace` an incomplete one. TrainerError if a shard is damaged."""


class SampleShape(Protocol):
    """The samples of a task."""

    @property
    def records(self) -> Layout | None:
        """How the files hold records; None for documents."""

    @property
    def tokenizer(self) -> ModelTokenizer | None:
        """The tokenizer of the job's model; None if one is trained on the text."""

    @property
    def settings(self) -> tuple[object, ...]:
        """What the samples depend on beside the text and the tokenizer."""

    @property
    def trains_tokenizer(self) -> bool:
        """Whether a tokenizer is trained on the text before it is tokenized."""

    @property
    def writes_labels(self) -> bool:
        """Whether labels are texts that a model writes: the tokenizer is trained on them too, and ends each text."""

    def split(self, documents: NDArray[np.void], held_out_documents: int) -> Split:
        """Return what happens to each document, of which the first `held_out_documents` are to be held out."""

    def tasks(self, shards: Sequence[Shard], directory: Path, scans: Sequence[UnitScan]) -> Sequence[TokenizeTask]:
        """Return what to tokenize, in `directory`. BadInput if nothing can be learned from the scanned documents."""

    @property
    def tokenize(self) -> Callable[[TokenizeTask], Any]:
        """A function of a module, which other processes import: it tokenizes a shard unless that is done."""

    def samples(self, tasks: Sequence[TokenizeTask], results: Sequence[Any]) -> Samples:
        """Return the samples of all shards, from the results of `tokenize`. BadInput if nothing can be learned from them."""

    def samples_per_epoch(self, file: DatasetFile, directory: Path) -> int:
        """Return how many samples of the dataset in a directory are trained on."""

    def require_usable(self, file: DatasetFile) -> None:
        """BadInput if the job can't use a dataset that was made for another one with the same text and settings."""

    def describe(self, info: DatasetInfo) -> str:
        """Return what the dataset holds, for the termination message."""
