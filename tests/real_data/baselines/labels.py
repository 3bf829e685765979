"""Baselines of labels: the majority, naive Bayes, the mean, and each word's most frequent tag."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llmtrain_trainer.metrics.baselines import MostFrequentTag
from llmtrain_trainer.metrics.classification import Classification
from llmtrain_trainer.metrics.regression import Regression
from llmtrain_trainer.metrics.tagging import Tagging
from real_data.baselines.baseline import Baseline, judge
from real_data.baselines.naive_bayes import NaiveBayes
from real_data.readers import Labelled, read_conll, read_json_lines


def classification(name: str, training: Sequence[Labelled], test: Sequence[Labelled]) -> list[Baseline]:
    """Return the scores of the most frequent training label, and of naive Bayes."""
    model = NaiveBayes(training)
    metric = Classification(class_names=model.classes)
    labels = np.array([model.classes.index(label) for _, label in test])
    counts = Counter(label for _, label in training)
    majority = np.array([[counts[each] for each in model.classes]] * len(test), dtype=float)
    predictions = {"majority": majority, "naive Bayes": model.scores([text for text, _ in test])}
    return [
        judge(name, method, metric, metric.rows(labels, scores), ("accuracy", "f1"))
        for method, scores in predictions.items()
    ]


def mean_rating(folder: Path) -> list[Baseline]:
    """Return the scores of the mean rating of the training part."""
    training, test = (
        np.array([row["rating"] for row in read_json_lines(folder / f"{part}.jsonl")]) for part in ("train", "test")
    )
    metric = Regression()
    rows = metric.rows(test, np.full(len(test), training.mean()))
    return [judge(folder.name, "mean", metric, rows, ("mse",))]


def most_frequent_tag(folder: Path, suffix: str, score_name: str) -> list[Baseline]:
    """Return the scores of each word's most frequent tag."""
    training, test = (read_conll(folder / f"{part}.{suffix}") for part in ("train", "test"))
    names = tuple(sorted({tag for sentence in (*training, *test) for _, tag in sentence}))
    numbers = {name: number for number, name in enumerate(names)}
    model = MostFrequentTag.of((word, numbers[tag]) for sentence in training for word, tag in sentence)
    metric = Tagging(tag_names=names)
    labels = [[numbers[tag] for _, tag in sentence] for sentence in test]
    predicted = [model.tags(word for word, _ in sentence) for sentence in test]
    return [judge(folder.name, "most frequent tag", metric, metric.rows(labels, predicted), (score_name,))]
