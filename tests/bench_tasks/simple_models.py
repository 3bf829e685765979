"""Methods without a network, on the same data: those of `make data`, linear models of words, xz."""

import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from bench_tasks.judges import dataset_of, text_of
from bench_tasks.row import Finished, JobRow
from llmtrain_trainer.data.dataset import HELD_OUT_FILE, TRAINING_FILE
from llmtrain_trainer.metrics.classification import Classification
from llmtrain_trainer.metrics.regression import Regression
from real_data.baselines.__main__ import baselines
from real_data.baselines.baseline import Baseline, judge
from real_data.cache import Cache
from real_data.readers import Labelled, read_json_lines


def trivial(row: JobRow, job: Finished, cache: Cache) -> list[Baseline]:
    """Return the baselines of `make data` by the score of the row."""
    return [each for each in baselines(row.data, cache) if row.score in each.scores]


def linear(read: Callable[[Path, str], list[Labelled]], row: JobRow, job: Finished, cache: Cache) -> Sequence[Baseline]:
    """Return those, and logistic regression on all training texts: words and pairs of words of at least two, by TF-IDF."""
    training, test = (read(cache.set(row.data), part) for part in ("train", "test"))
    classes = tuple(sorted({label for _, label in training}))
    model = make_pipeline(_words(), LogisticRegression(C=10, max_iter=300))
    model.fit([text for text, _ in training], [label for _, label in training])
    metric = Classification(class_names=classes)
    labels = np.array([classes.index(label) for _, label in test])
    rows = metric.rows(labels, model.predict_proba([text for text, _ in test]))
    found = judge(row.data, "logistic regression", metric, rows, (row.score,))
    return [*trivial(row, job, cache), found]


def linear_ratings(row: JobRow, job: Finished, cache: Cache) -> Sequence[Baseline]:
    """Return the baselines of `make data`, and ridge regression on the same words and pairs of words."""
    training, test = (read_json_lines(cache.set(row.data) / f"{part}.jsonl") for part in ("train", "test"))
    model = make_pipeline(_words(), Ridge(alpha=1.0))
    model.fit([each["text"] for each in training], [each["rating"] for each in training])
    metric = Regression()
    rows = metric.rows(np.array([each["rating"] for each in test]), model.predict([each["text"] for each in test]))
    return [*trivial(row, job, cache), judge(row.data, "ridge regression", metric, rows, (row.score,))]


def most_frequent_token(row: JobRow, job: Finished, cache: Cache) -> Sequence[Baseline]:
    """Return the accuracy of always predicting the most frequent token, which the job publishes beside its own."""
    accuracy = json.loads((job.model / "evaluation.json").read_text())["baselines"]["mostFrequent"][row.score]
    return [Baseline(set_name=row.data, method="most frequent token", samples=1, scores={row.score: accuracy})]


def compression(row: JobRow, job: Finished, cache: Cache) -> Sequence[Baseline]:
    """Return the bits a byte of xz: how much longer training and held-out text together are than training text alone."""
    dataset = dataset_of(job)
    training, held_out = text_of(dataset, TRAINING_FILE), text_of(dataset, HELD_OUT_FILE)
    longer = len(lzma.compress(training + held_out)) - len(lzma.compress(training))
    unigram = json.loads((dataset / "dataset.json").read_text())["facts"]
    bits = {
        "token frequencies": unigram["unigramLoss"] * unigram["heldOutTokens"] / np.log(2) / len(held_out),
        "xz": 8 * longer / len(held_out),
    }
    return [
        Baseline(set_name=row.data, method=method, samples=1, scores={row.score: float(value)})
        for method, value in bits.items()
    ]


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"(?u)[\w']+|[!?]")
