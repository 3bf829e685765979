"""Baselines of texts: a copy of the source, a target of the training part, the first words, an option of the context."""

import math
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llmtrain_trainer.metrics.baselines import first_words
from llmtrain_trainer.metrics.rouge import Rouge
from llmtrain_trainer.metrics.squad import Squad
from llmtrain_trainer.metrics.translation import Translation
from real_data.baselines.baseline import Baseline, judge
from real_data.baselines.naive_bayes import words
from real_data.readers import read_json_lines, read_lines, read_squad

SUMMARY_WORDS = 12
ENTRY = re.compile(r"(-[^:]*): (.*?)\.(?= -|$)")
"""An option in a context of `manual-pages`: its names, and its description."""


def translation(folder: Path) -> list[Baseline]:
    """Return the scores of a copy of each source, and of two targets of the training part: a random one, and the nearest's."""
    training, test = (read_pairs(folder, part) for part in ("train", "test"))
    sources, targets = zip(*test, strict=True)
    predictions: dict[str, Sequence[str]] = {
        "copy": sources,
        "random target": random.Random(0).choices([target for _, target in training], k=len(test)),
        "translation memory": [training[number][1] for number in nearest(sources, [source for source, _ in training])],
    }
    metric = Translation()
    return [
        judge(folder.name, method, metric, metric.rows(texts, targets), ("chrf", "bleu"))
        for method, texts in predictions.items()
    ]


def read_pairs(folder: Path, part: str) -> list[tuple[str, str]]:
    """Return the pairs of a part, from rows of two columns or from two files of lines."""
    rows = folder / f"{part}.tsv"
    if rows.exists():
        return [(source, target) for source, target in (line.split("\t") for line in read_lines(rows))]
    return list(zip(*(read_lines(folder / f"{part}.{language}") for language in ("en", "es")), strict=True))


def nearest(queries: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Return the number of the text that is nearest to each query: the cosine of words that are weighted by their rarity.

    Of equally near ones it is the first; without a common word it is text 0.
    """
    places: defaultdict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for word in words(text):
            places[word].append(number)
    rarity = {word: math.log(len(texts) / len(found)) for word, found in places.items()}
    lengths = [math.sqrt(sum(rarity[word] ** 2 for word in sorted(words(text)))) for text in texts]
    found_numbers = []
    for query in queries:
        similarities: defaultdict[int, float] = defaultdict(float)
        for word in sorted(words(query) & places.keys()):
            for number in places[word]:
                similarities[number] += rarity[word] ** 2 / (lengths[number] or 1)
        found_numbers.append(max(sorted(similarities), key=similarities.__getitem__, default=0))
    return found_numbers


def summary(folder: Path) -> list[Baseline]:
    """Return the scores of the first words of each article."""
    rows = read_json_lines(folder / "test.jsonl")
    metric = Rouge()
    predictions = [first_words(row["article"], SUMMARY_WORDS) for row in rows]
    table = metric.rows(predictions, [row["highlights"] for row in rows])
    return [judge(folder.name, f"first {SUMMARY_WORDS} words", metric, table, ("rouge1", "rouge2", "rougeL"))]


def option(folder: Path) -> list[Baseline]:
    """Return the scores of a random option of the context, of the one with most words of the question, and of none."""
    questions = list(read_squad(folder / "test.json"))
    randomly = random.Random(0)
    metric = Squad()
    predictions: dict[str, list[str]] = {"no answer": [""] * len(questions), "random option": [], "word overlap": []}
    for each in questions:
        entries = [(name_of(names), description) for names, description in ENTRY.findall(each.context)]
        asked = words(each.question)
        predictions["random option"].append(randomly.choice(entries)[0])
        overlaps = [len(asked & words(description)) / (1 + len(words(description))) for _, description in entries]
        predictions["word overlap"].append(entries[int(np.argmax(overlaps))][0])
    answers = [each.answers for each in questions]
    return [
        judge(folder.name, method, metric, metric.rows(texts, answers), ("exactMatch", "f1"))
        for method, texts in predictions.items()
    ]


def name_of(names: str) -> str:
    """Return the first long name of an option, or its first name."""
    found = [match.group() for match in re.finditer(r"--?[A-Za-z0-9][\w-]*", names)]
    return next((name for name in found if name.startswith("--")), found[0])
