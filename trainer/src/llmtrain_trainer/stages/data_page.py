"""`report.html` in the directory of a dataset: `report.json` and `dataset.json` for people, and some samples, as one page."""

import contextlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, TRAINING_FILE, DatasetFile
from llmtrain_trainer.data.labelled_dataset import offsets_file, open_offsets
from llmtrain_trainer.data.report import DataReport
from llmtrain_trainer.data.written_files import write_atomically
from llmtrain_trainer.stages.page import Content, bar, element, page, table
from llmtrain_trainer.stages.shown_samples import ShownSample, shown_samples

REPORT_PAGE = "report.html"
BLOCK = 2**20
"""Samples that are looked at at once."""
MAX_ROWS = 100
"""Labels, and findings, that are shown."""


def write_data_page(run: RunConfig, directory: Path, file: DatasetFile, report: DataReport) -> None:
    """Write the page unless it is there. A volume that can't be written, or a dataset of an earlier version, has none."""
    if (directory / REPORT_PAGE).exists():
        return
    with contextlib.suppress(OSError):
        write_atomically(data_page(run, directory, file, report).encode(), directory / REPORT_PAGE)


def data_page(run: RunConfig, directory: Path, file: DatasetFile, report: DataReport) -> str:
    """Return the page of a dataset, whose files are in `directory`."""
    parts = chain(
        _counts(file, report),
        _sources(file, report),
        _lengths(directory),
        _labels(file),
        _samples(shown_samples(run, directory, file)),
        _findings(report),
    )
    return page(f"Dataset {file.info.id}", parts)


def _counts(file: DatasetFile, report: DataReport) -> Iterator[Element]:
    """Yield all numbers that the report and the description have."""
    numbers = {**report.model_dump(by_alias=True), **report.describe(file.info).model_dump(by_alias=True)}
    yield table(("", ""), ((name, value) for name, value in numbers.items() if isinstance(value, int)))
    for name, value in numbers.items():
        if isinstance(value, dict) and value:
            yield element("h2", name)
            yield table(("", ""), value.items())


def _sources(file: DatasetFile, report: DataReport) -> Iterator[Element]:
    """Yield the numbers of each source of a mixture."""
    if file.sources:
        yield element("h2", "Sources")
        columns = ("source", "files", "bytes", "documents", "held out", "tokens to train on", "held out")
        rows: list[list[Content]] = [
            [found.name, found.files, found.size, found.documents, found.held_out, made.tokens, made.held_out_tokens]
            for found, made in zip(report.sources, file.sources, strict=True)
        ]
        yield table(columns, rows)


def _lengths(directory: Path) -> Iterator[Element]:
    """Yield how many tokens the samples of both parts have, if they are not windows of a text."""
    for part, name in (("training", TRAINING_FILE), ("held-out", HELD_OUT_FILE)):
        if not (directory / offsets_file(name)).exists():
            continue
        by_length = _samples_by_length(open_offsets(directory, name))
        lengths, samples = np.arange(len(by_length)), int(by_length.sum())
        median = int(np.searchsorted(np.cumsum(by_length), (samples + 1) // 2))
        ranges = np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)
        counts: list[int] = np.bincount(ranges, weights=by_length).astype(np.int64).tolist()
        rows: list[list[Content]] = [
            ["1" if not place else f"{2 ** (place - 1) + 1} – {2**place}", count, bar(count / max(counts))]
            for place, count in enumerate(counts)
        ]
        yield element("h2", f"Lengths of {part} samples in tokens")
        average = float(by_length @ lengths) / samples
        caption = f"mean {average:.1f}, median {median}, longest {len(by_length) - 1}"
        yield table(("tokens", "samples", ""), rows, caption)


def _samples_by_length(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many samples have each length, in constant memory for each length."""
    counts = np.zeros(1, dtype=np.int64)
    for start in range(0, len(offsets) - 1, BLOCK):
        of_block = np.bincount(np.diff(offsets[start : start + BLOCK + 1]), minlength=len(counts))
        of_block[: len(counts)] += counts
        counts = of_block
    return counts


def _labels(file: DatasetFile) -> Iterator[Element]:
    """Yield how often each label occurs in both parts."""
    counts = sorted(zip(file.training_counts, file.held_out_counts, file.labels, strict=False), reverse=True)
    if not counts:
        return
    yield element("h2", "Labels")
    greatest = max(1, counts[0][0])
    rows: list[list[Content]] = [
        [label, trained, held_out, bar(trained / greatest)] for trained, held_out, label in counts[:MAX_ROWS]
    ]
    left_out = f"the {MAX_ROWS} most frequent of {len(counts)}" if len(counts) > MAX_ROWS else ""
    yield table(("label", "to train on", "held out", ""), rows, left_out)


def _samples(samples: list[ShownSample]) -> Iterator[Element]:
    """Yield samples, a box for each token, with those that are learned marked."""
    yield element("h2", "Samples as the model sees them")
    yield element("p", "A box is a token; yellow ones are learned.", class_="note")
    for sample in samples:
        boxes = (
            element("span", text, class_="token learned" if learned else "token")
            for text, learned in zip(sample.texts, sample.learned, strict=True)
        )
        yield element("p", *boxes, class_="words")
        if sample.label:
            yield element("p", f"label: {sample.label}", class_="note")


def _findings(report: DataReport) -> Iterator[Element]:
    """Yield what was replaced or left out."""
    if report.findings:
        yield element("h2", "Findings")
        yield element("ol", *(element("li", str(finding)) for finding in report.findings[:MAX_ROWS]))
