"""Reads the score of a row from what its job published, or computes it from the published model."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench_tasks.row import FileRow, Finished, JobRow, Score
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, prepared_root
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.metrics.bootstrap import intervals
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.regression import Regression
from llmtrain_trainer.models.vector_file import VectorFile
from real_data.cache import Cache
from real_data.converters.vectors import read_word_pairs

TOKEN_TYPE = np.dtype("<u2")
"""Type of the tokens of vocabularies up to 65,536."""


def published(row: JobRow, job: Finished, cache: Cache) -> Score:
    """Return the score of all held-out samples in `evaluation.json`, and its interval."""
    report = json.loads((job.model / "evaluation.json").read_text())
    low, high = report["intervals"].get(row.score, (None, None))
    return Score(value=report["scores"][row.score], low=low, high=high)


def word_similarity(row: JobRow, job: Finished, cache: Cache) -> Score:
    """Return Spearman's correlation of cosines with WordSim's similarities, of the pairs whose words both have a vector."""
    return _similarity_of(job.model / "vectors.txt", cache)


def file_similarity(row: FileRow, cache: Cache) -> Score:
    """Return the same of a file that exists."""
    return _similarity_of(cache.set(row.data) / row.file, cache)


def word_pairs(folder: Path) -> list[tuple[str, str, float]]:
    """Return WordSim's pairs of words, in lower case, and how similar people find them."""
    return read_word_pairs(folder / "benchmark" / "wordsim353.tsv")


def similarity(vectors: Mapping[str, np.ndarray], folder: Path) -> Score:
    """Return the correlation for vectors of any origin; `folder` has the word pairs."""
    pairs = [
        (vectors[first], vectors[second], judged)
        for first, second, judged in word_pairs(folder)
        if first in vectors and second in vectors
    ]
    cosines = [first @ second / (np.linalg.norm(first) * np.linalg.norm(second)) for first, second, _ in pairs]
    metric = Regression()
    rows = metric.rows(np.array([judged for *_, judged in pairs]), np.array(cosines))
    interval = intervals(metric, rows, seed=0)["spearman"]
    return Score(value=score(metric, rows)["spearman"], low=interval.low, high=interval.high)


def bits_a_byte(row: JobRow, job: Finished, cache: Cache) -> Score:
    """Return the held-out loss in bits for each byte of text, which does not depend on the tokenizer."""
    dataset = dataset_of(job)
    tokens = np.fromfile(dataset / HELD_OUT_FILE, dtype=TOKEN_TYPE)
    return Score(value=job.loss * len(tokens) / len(text_of(dataset, HELD_OUT_FILE)) / math.log(2))


def dataset_of(job: Finished) -> Path:
    """Return the directory of the one dataset that the job has prepared."""
    (dataset,) = prepared_root(str(job.volumes / job.spec.data.source.volume)).glob("*/")
    return dataset


def text_of(dataset: Path, file: str) -> bytes:
    """Return the text of a file of tokens in UTF-8."""
    tokens = np.fromfile(dataset / file, dtype=TOKEN_TYPE)
    return bytes(load_tokenizer(dataset).decode(tokens.tolist()).encode())


def _similarity_of(path: Path, cache: Cache) -> Score:
    """Return the correlation of the vectors that are read from a file as `model.vectors` reads it."""
    folder = cache.set("vectors")
    words = sorted({word for first, second, _ in word_pairs(folder) for word in (first, second)})
    return similarity({words[number]: vector for number, vector in VectorFile.open(path).read(words)}, folder)
