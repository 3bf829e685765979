"""Labelled sequences as a shape: each record is a sample, a text of bounded length with a class, a number, tags, an answer, or another text."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import TRAINING_FILE, DatasetFile, require_samples_of_each, token_type
from llmtrain_trainer.data.labelled_assembly import LabelledSource
from llmtrain_trainer.data.labelled_dataset import open_offsets
from llmtrain_trainer.data.labelled_shards import LabelledShard, LabelledTask, tokenize_records
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.records import RecordLayout
from llmtrain_trainer.data.scan import UnitScan, require_few_labels
from llmtrain_trainer.data.shards import Shard, TokenizeTask
from llmtrain_trainer.data.split import HELD_OUT, TRAINING, Split
from llmtrain_trainer.data.split_records import split_records
from llmtrain_trainer.data.tokenizer import vocabulary_size
from llmtrain_trainer.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class LabelledShape:
    """Records with labels. Implements `SampleShape`."""

    records: RecordLayout
    vocab_size: int
    """Tokens of the tokenizer at most."""
    held_out_percent: int
    held_out_path: str | None
    max_tokens: int
    trains_tokenizer: ClassVar[bool] = True
    tokenizer: ModelTokenizer | None = None
    """The tokenizer of the job's model; None if one is trained."""
    sources: tuple[str, ...] = ()
    """The names of the sources of a mixture."""

    @property
    def writes_labels(self) -> bool:
        """Whether a label is a text."""
        return self.records.kind == "text"

    @property
    def settings(self) -> tuple[object, ...]:
        """What the samples depend on beside the text and the tokenizer."""
        of_kind = () if self.records.kind == "class" else (self.records.kind,)
        of_slices = (self.records.slices,) if self.records.slices else ()
        return "labelled", self.max_tokens, *of_kind, *of_slices

    def split(self, documents: NDArray[np.void], held_out_documents: int) -> Split:
        """Return the split by number of records. BadInput if records are to be held out by name, and there are none."""
        if self.held_out_path and not held_out_documents:
            raise BadInput(
                f"spec.data.heldOut.path: '{self.held_out_path}' has no record; name a file or directory with records to hold out"
            )
        return split_records(documents, self.held_out_percent, held_out_documents)

    def tasks(self, shards: Sequence[Shard], directory: Path, scans: Sequence[UnitScan]) -> Sequence[LabelledTask]:
        """Return what to tokenize, in `directory`. BadInput if all records have one class, or there are too many classes."""
        counts: Counter[str] = Counter()
        for scan in scans:
            counts.update(scan.labels)
        require_few_labels(counts)
        labels = tuple(sorted(counts))
        if labels and len(labels) < 2:
            raise BadInput(
                f"spec.data.columns.label: all {counts.total()} records have the label '{labels[0]}', so there is nothing to "
                "learn; name the column that holds the classes, or add records of another class"
            )
        dtype = token_type(self.vocab_size)
        return [
            LabelledTask(
                shard=shard,
                directory=directory,
                token_dtype=dtype,
                labels=labels,
                kind=self.records.kind,
                max_tokens=self.max_tokens,
                of_model=self.tokenizer is not None,
            )
            for shard in shards
        ]

    @property
    def tokenize(self) -> Callable[[TokenizeTask], LabelledShard]:
        """The function that tokenizes a shard."""
        return cast(Callable[[TokenizeTask], LabelledShard], tokenize_records)

    def samples(self, tasks: Sequence[TokenizeTask], results: Sequence[LabelledShard]) -> LabelledSource:
        """Return the samples of all shards. BadInput if training or held-out records are missing, or of unknown classes."""
        source = LabelledSource(
            tasks=cast(Sequence[LabelledTask], tasks),
            results=results,
            vocab_size=vocabulary_size(tasks[0].directory),
            sources=self.sources,
        )
        self._require_samples(source)
        return source

    def samples_per_epoch(self, file: DatasetFile, directory: Path) -> int:
        """Return the sequences to train on: the records, or the windows of questions."""
        return len(open_offsets(directory, TRAINING_FILE)) - 1

    def require_usable(self, file: DatasetFile) -> None:
        """Do nothing: the samples do not depend on other settings of the job."""

    def describe(self, info: DatasetInfo) -> str:
        """Return the numbers of samples and classes."""
        classes = f", in {info.classes} classes" if info.classes else ""
        return f"{info.samples} records to train on, {info.held_out_samples} held out{classes}"

    def _require_samples(self, source: LabelledSource) -> None:
        training, held_out = source.counts
        place = "spec.data.heldOut.path" if self.held_out_path else "spec.data.source.path"
        if not source.samples(TRAINING):
            raise BadInput(
                "spec.data.source.path: no record is left to train on, because there is none whose text is not also held out; add records"
            )
        require_samples_of_each(source.prepared_sources)
        if not source.samples(HELD_OUT):
            raise BadInput(f"{place}: no record is held out; add records")
        if not source.label_set.label_deviation:
            raise BadInput(
                f"spec.data.columns.label: all records to train on have the number {source.label_set.label_mean}, so there is nothing "
                "to learn; name the column that holds the numbers to predict, or add records"
            )
        if source.labels and np.count_nonzero(training) < 2:
            (only,) = (label for label, count in zip(source.labels, training, strict=True) if count)
            raise BadInput(
                f"spec.data.source.path: all records to train on have the label '{only}', so there is nothing to learn; add "
                "records of another class"
            )
        unknown = [
            label
            for label, trained, judged in zip(source.labels, training, held_out, strict=True)
            if judged > trained == 0
        ]
        if unknown and self.held_out_path:
            raise BadInput(
                f"spec.data.heldOut.path: {held_out[source.labels.index(unknown[0])]} records have the label '{unknown[0]}', "
                "which no record in spec.data.source.path has; correct the label, or add such records to train on"
            )
