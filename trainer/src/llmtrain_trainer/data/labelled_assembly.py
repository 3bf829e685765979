"""The dataset directory of labelled sequences, from the samples of all shards."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.assembly import JoinedFile, dataset_writer, join, results_of
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, TRAINING_FILE, DatasetFile, PreparedSource
from llmtrain_trainer.data.labelled_dataset import (
    CHARACTERS_FILE,
    OFFSET,
    PAIRS_FILE,
    QUESTIONS_FILE,
    SLICES_FILE,
    labels_file,
    offsets_file,
)
from llmtrain_trainer.data.labelled_shards import LENGTH, LabelledShard, LabelledTask
from llmtrain_trainer.data.labels import LABEL_TYPES, LabelSet, distribution
from llmtrain_trainer.data.progress import Phase
from llmtrain_trainer.data.report import DataReport
from llmtrain_trainer.data.split import HELD_OUT, TRAINING
from llmtrain_trainer.data.unigram import unigram_loss


@dataclass(frozen=True, kw_only=True)
class LabelledSource:
    """All shards of a source of records, in order."""

    tasks: Sequence[LabelledTask]
    results: Sequence[LabelledShard]
    vocab_size: int
    sources: tuple[str, ...] = ()
    """The names of the sources of a mixture."""

    @property
    def labels(self) -> tuple[str, ...]:
        """All classes or tags, in the order of their numbers; empty if labels are numbers."""
        return self.tasks[0].labels

    @functools.cached_property
    def label_set(self) -> LabelSet:
        """The classes, or the distribution of the numbers to train on."""
        if self.tasks[0].kind != "number":
            unanswerable = any(result.training.unanswerable for result in self.results)
            return LabelSet(names=self.labels, unanswerable=unanswerable)
        paths = [task.files(TRAINING).labels for task in self.tasks]
        return distribution([np.fromfile(path, dtype=LABEL_TYPES["number"]) for path in paths])

    def samples(self, fate: int) -> int:
        """Return the number of samples of a split."""
        return sum(result.split(fate).samples for result in self.results)

    @property
    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Samples, or words, with each label to train on, and of those held out (labels,); empty if labels are numbers."""
        training, held_out = (
            np.array([result.split(fate).counts for result in self.results], dtype=np.int64).sum(axis=0)
            for fate in (TRAINING, HELD_OUT)
        )
        return training, held_out

    @property
    def prepared_sources(self) -> list[PreparedSource]:
        """The samples of each source of a mixture."""
        return [self._prepared_source(number, name) for number, name in enumerate(self.sources)]

    @property
    def size(self) -> int:
        """Bytes to write."""
        return sum(
            file.size for result in self.results for fate in (TRAINING, HELD_OUT) for file in result.split(fate).written
        )

    def assemble(
        self, *, dataset: str, directory: Path, replace: bool, report: DataReport, phase: Phase
    ) -> DatasetFile:
        """Write the dataset directory; `replace` an incomplete one. TrainerError if a shard is damaged."""
        with dataset_writer(self.tasks[0].directory, directory, replace=replace, report=report) as writer:
            dtype = np.dtype(self.tasks[0].token_dtype)
            token_counts = {
                fate: join(self._files(fate, 0), writer.directory / name, phase, dtype=dtype, values=self.vocab_size)
                for fate, name in ((TRAINING, TRAINING_FILE), (HELD_OUT, HELD_OUT_FILE))
            }
            for fate, name in ((TRAINING, TRAINING_FILE), (HELD_OUT, HELD_OUT_FILE)):
                join(self._files(fate, 2), writer.directory / labels_file(name), phase)
                self._write_offsets(fate, writer.directory / offsets_file(name))
            if self.tasks[0].kind == "span":
                join(self._files(HELD_OUT, 3), writer.directory / QUESTIONS_FILE, phase)
                join(self._files(HELD_OUT, 4), writer.directory / CHARACTERS_FILE, phase)
            if self.tasks[0].kind == "text":
                join(self._files(HELD_OUT, 3), writer.directory / PAIRS_FILE, phase)
            if any(result.held_out.slices.size for result in self.results):
                join(self._files(HELD_OUT, 5), writer.directory / SLICES_FILE, phase)
            training, held_out = self.counts
            info = DatasetInfo(
                id=dataset,
                tokens=int(token_counts[TRAINING].sum()),
                held_out_tokens=int(token_counts[HELD_OUT].sum()),
                vocab_size=self.vocab_size,
                unigram_loss=unigram_loss(token_counts[TRAINING], token_counts[HELD_OUT]),
                samples=self.samples(TRAINING),
                held_out_samples=self.samples(HELD_OUT),
                classes=len(self.labels),
                shortened=sum(result.shortened for result in self.results),
                missing_class=_missing_class(self.labels, training, held_out),
            )
            return writer.describe(
                info,
                self.tasks[0].token_dtype,
                labels=list(self.labels),
                label_mean=self.label_set.label_mean,
                label_deviation=self.label_set.label_deviation,
                unanswerable=self.label_set.unanswerable,
                training_counts=training.tolist(),
                held_out_counts=held_out.tolist(),
                sources=self.prepared_sources,
            )

    def _prepared_source(self, number: int, name: str) -> PreparedSource:
        results = results_of(self.tasks, self.results, number)
        width = np.dtype(self.tasks[0].token_dtype).itemsize
        return PreparedSource(
            name=name,
            tokens=sum(result.training.tokens.size for result in results) // width,
            held_out_tokens=sum(result.held_out.tokens.size for result in results) // width,
            samples=sum(result.training.sequences for result in results),
            held_out_samples=sum(result.held_out.samples for result in results),
        )

    def _files(self, fate: int, kind: int) -> Iterator[JoinedFile]:
        for task, result in zip(self.tasks, self.results, strict=True):
            yield JoinedFile(task.files(fate)[kind], result.split(fate).written[kind], task.result_file)

    def _write_offsets(self, fate: int, path: Path) -> None:
        """Write where each sample begins, and where the last one ends."""
        offset = np.zeros(1, dtype=OFFSET)
        with path.open("wb") as offsets:
            offsets.write(offset.tobytes())
            for task in self.tasks:
                ends = offset + np.cumsum(np.fromfile(task.files(fate).lengths, dtype=LENGTH), dtype=OFFSET)
                offsets.write(ends.tobytes())
                offset = ends[-1:] if len(ends) else offset


def _missing_class(labels: tuple[str, ...], training: NDArray[np.int64], held_out: NDArray[np.int64]) -> str:
    """Return a sentence about the first label that a part lacks; empty if both parts have all."""
    parts = (("to train on", training), ("that is held out", held_out))
    found = [(label, part) for part, counts in parts for label, count in zip(labels, counts, strict=True) if not count]
    if not found:
        return ""
    (label, part), more = found[0], len(found) - 1
    return f"no record {part} has the label '{label}'" + (f" ({more} more such findings)" if more else "")
