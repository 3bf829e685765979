"""Scores come from what a job published."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bench_tasks.judges import bits_a_byte, file_similarity, published, similarity, word_similarity
from bench_tasks.row import FileRow, Finished, JobRow, Score
from bench_tasks.rows import BY_NAME
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, prepared_directory
from llmtrain_trainer.data.tokenizer import save_trained, train_tokenizer
from real_data.cache import Cache

PAIRS = "# a comment\ncat\tdog\t9\ncat\tcar\t1\nbus\tcar\t8\ncat\tunknown\t5\n"
VECTORS = "4 2\ncat 1 0\ndog 0.9 0.1\ncar 0 1\nbus 0.3 0.9\n"


def job_row(name: str) -> JobRow:
    row = BY_NAME[name]
    assert isinstance(row, JobRow)
    return row


def finished(tmp_path: Path, row: str, loss: float = 1.0) -> Finished:
    model = tmp_path / "model"
    model.mkdir()
    return Finished(spec=job_row(row).spec, volumes=tmp_path, model=model, loss=loss, steps=1, seconds=1.0)


def test_a_published_score_has_its_interval(tmp_path: Path) -> None:
    job = finished(tmp_path, "film-2")
    report = {"scores": {"accuracy": 0.9, "f1": 0.8}, "intervals": {"accuracy": [0.85, 0.95]}}
    (job.model / "evaluation.json").write_text(json.dumps(report))
    assert published(job_row("film-2"), job, Cache(tmp_path)) == Score(value=0.9, low=0.85, high=0.95)


def test_the_order_of_cosines_is_compared_with_that_of_judgements(tmp_path: Path) -> None:
    job = finished(tmp_path, "word-vectors")
    (job.model / "vectors.txt").write_text(VECTORS)
    benchmark = tmp_path / "sets" / "vectors" / "benchmark"
    benchmark.mkdir(parents=True)
    (benchmark / "wordsim353.tsv").write_text(PAIRS)
    assert word_similarity(job_row("word-vectors"), job, Cache(tmp_path)).value == pytest.approx(1.0)
    (benchmark.parent / "vectors.txt").write_text(VECTORS)
    file = FileRow(name="read", data="vectors", file="vectors.txt", score="spearman", bound=0, judge=file_similarity)
    assert file_similarity(file, Cache(tmp_path)).value == pytest.approx(1.0)
    moved = {"cat": [1, 0], "dog": [-1, 0], "car": [0, 1], "bus": [0.3, 0.9]}
    vectors = {word: np.array(vector) for word, vector in moved.items()}
    assert similarity(vectors, benchmark.parent).value == pytest.approx(-0.5)


def test_bits_a_byte_do_not_depend_on_the_tokenizer(tmp_path: Path) -> None:
    text = "the same text, the same text, and the same text again"
    tokenizer = train_tokenizer([text], 270)
    dataset = prepared_directory(str(tmp_path / "datasets"), "id")
    dataset.mkdir(parents=True)
    save_trained(tokenizer, dataset)
    tokens = tokenizer.encode(text).ids
    np.array(tokens, dtype="<u2").tofile(dataset / HELD_OUT_FILE)
    loss_of_two_bits_a_byte = 2 * math.log(2) * len(text) / len(tokens)
    job = finished(tmp_path, "prose", loss_of_two_bits_a_byte)
    assert bits_a_byte(job_row("prose"), job, Cache(tmp_path)).value == pytest.approx(2.0)
