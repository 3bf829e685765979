"""Small jobs of every task with every model that can learn it, by the tables of the contract, on one data volume."""

import json
import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.rules import violations
from llmtrain_api.tasks import MODELS, PAIR_TASKS, TEXT_TASKS
from support.bert_folder import write_bert_folder
from support.t5_folder import write_t5_folder
from support.training_job import Job, make_job

FOLDER = "a folder"
"""Stands for the name of a model of `transformers` in spec.model.from."""
WITH_VECTORS = "lstm with word vectors"
"""Stands for an lstm that begins with a file of word vectors."""
AUGMENTED = "gru on augmented texts"
"""Stands for a gru whose texts have other words in each epoch."""
VECTORS_FILE, SYNONYMS_FILE = "vectors.bin", "synonyms.tsv"
MIXTURE = {"books": 1, "news": 2, "wiki": 4}
"""The weights of the sources of a mixture, of which each has fewer samples in inverse proportion."""
STEPS = 12
RECORDS = 240
USERS, ITEMS = 80, 30
WORDS = [f"word{number}" for number in range(60)]
LABELS = ("good", "bad", "fair")
EVENTS = {
    "source": {"volume": "datasets", "path": "events.tsv"},
    "columns": {"user": "1", "item": "2", "time": "3"},
}
TEXT = {"source": {"volume": "datasets", "path": "text.txt"}}
SETTINGS: Mapping[str, dict[str, Any]] = {
    "pretrain": {
        "model": {"layers": 1, "heads": 2, "contextLength": 12},
        "data": TEXT | {"tokenizer": {"vocabSize": 280}},
        "training": {"microbatchSize": 2, "dropout": "0.1"},
    },
    "masked": {
        "model": {"layers": 1},
        "data": TEXT | {"tokenizer": {"vocabSize": 280}, "maxTokens": 40},
        "training": {"dropout": "0.1"},
    },
    "recommendation": {
        "model": {"layers": 1, "heads": 2, "contextLength": 12},
        "data": EVENTS,
        "training": {"dropout": "0.1"},
    },
    "word-vectors": {"model": {}, "data": TEXT | {"tokenizer": {"kind": "words"}}, "training": {"microbatchSize": 2}},
}
"""What jobs of a task have that is not that of records with labels."""

UNNAMED: Mapping[str, dict[str, Any]] = {
    FOLDER: {"from": {"volume": "models", "path": FOLDER}},
    WITH_VECTORS: {"name": "lstm", "width": 16, "layers": 1, "vectors": {"volume": "models", "path": VECTORS_FILE}},
    AUGMENTED: {"name": "gru", "width": 16, "layers": 1},
}
"""Models that a name does not say."""
TEXTS: Mapping[str, dict[str, Any]] = {
    FOLDER: {"maxTokens": 40},
    WITH_VECTORS: {"tokenizer": {"kind": "words", "minCount": 1}},
}
"""What becomes of their texts."""


def tasks_and_models() -> list[tuple[str, str]]:
    """Return every task with every model that can learn it, also one of `model.from`, of `model.vectors` and of `training.augment`."""
    named = [(task, name) for task, names in MODELS.items() for name in names]
    others = [(task, name) for name in (FOLDER, WITH_VECTORS, AUGMENTED) for task in MODELS]
    return [*named, *(each for each in others if not list(violations("job", _spec(*each))))]


def write_volume(volume: Path) -> None:
    """Write records with a label for each task, synonyms of some words, events, and a text."""
    (volume / SYNONYMS_FILE).write_text("".join(f"{word}\tgood\tword{len(word)}\n" for word in ("word", *LABELS)))
    (volume / "reviews.jsonl").write_text("".join(json.dumps(_record(number)) + "\n" for number in range(RECORDS)))
    randomly = random.Random(0)
    events = [
        f"{user}\t{(user + time * randomly.choice((1, 1, 2))) % ITEMS}\t{time}\n"
        for user in range(USERS)
        for time in range(randomly.randint(1, 30))
    ]
    randomly.shuffle(events)
    (volume / "events.tsv").write_text("".join(events))
    words = ("Tom", "saw", "the", "old", "river", "and", "a", "boat", "that", "was", "not", "there")
    (volume / "text.txt").write_text(" ".join(words[number * number % 97 % 12] for number in range(20_000)))


def make_exact_job(root: Path, volume: Path, task: str, model: str) -> Job:
    """Return the job of a task and a model in a folder of its own."""
    write_folder = write_t5_folder if task in PAIR_TASKS else write_bert_folder
    folder = write_folder(root / FOLDER, [*WORDS, *LABELS]) if model == FOLDER else None
    vectors = write_vectors(root / VECTORS_FILE) if model == WITH_VECTORS else None
    return make_job(root, volume, model_directory=folder, vectors_path=vectors, **_parts(task, model))


def write_mixture(volume: Path) -> None:
    """Write sources of different sizes for the task of a mixture: some text, and records with a label."""
    for name, size in MIXTURE.items():
        (volume / "text" / name).mkdir(parents=True)
        (volume / "records" / name).mkdir(parents=True)
        words = (f"{name}{number * number % 89}" for number in range(800 // size))
        (volume / "text" / name / "all.txt").write_text(" ".join(words))
        records = (json.dumps(_record(1000 * size + number)) + "\n" for number in range(120 // size))
        (volume / "records" / name / "all.jsonl").write_text("".join(records))


def make_mixed_job(root: Path, volume: Path, task: str) -> Job:
    """Return the job of a task that learns from a mixture, in a folder of its own: the smallest source has the greatest weight."""
    parts = _parts(task, MODELS[task][0])
    path = "text" if task in TEXT_TASKS else "records"
    data = {**parts["data"], "source": {"volume": "datasets", "path": path}, "mixture": dict(MIXTURE)}
    return make_job(root, volume, **{**parts, "data": data})


def write_vectors(path: Path) -> Path:
    """Write a file in word2vec's binary format that has some of the words: letters and digits are words of their own."""
    words = ["word", "good", "bad", *map(str, range(40))]
    rows = (
        f"{word} ".encode() + struct.pack("<16f", *(random.Random(word).gauss(0, 0.3) for _ in range(16)))
        for word in words
    )
    path.write_bytes(f"{len(words)} 16\n".encode() + b"".join(rows))
    return path


def _spec(task: str, model: str) -> JobSpec:
    return JobSpec.model_validate(_parts(task, model))


def _parts(task: str, model: str) -> dict[str, Any]:
    """Return the parts of the spec."""
    labelled = {
        "source": {"volume": "datasets", "path": "reviews.jsonl"},
        "columns": {"text": "review", "label": task},
        "heldOutPercent": 25,
        "tokenizer": {"vocabSize": 320},
    }
    default = {"model": {"layers": 1}, "data": labelled, "training": {"dropout": "0.1"}}
    own = SETTINGS.get(task, default)
    data, training = own["data"] | TEXTS.get(model, {}), dict(own["training"])
    if model == FOLDER:  # which decides both
        data.pop("tokenizer", None)
        training.pop("dropout", None)
    if model == AUGMENTED:
        training["augment"] = {"share": "0.2", "synonyms": SYNONYMS_FILE}
    return {
        "task": {"name": task},
        "model": UNNAMED.get(model, {"name": model, "width": 16} | own["model"]),
        "data": data,
        "training": {
            "steps": STEPS,
            "microbatches": 6,
            "microbatchSize": 4,
            "optimizer": {"learningRate": "1e-2"},
            **training,
        },
        "checkpoint": {"volume": "checkpoints", "everySteps": 5},
        "evaluation": {"everySteps": 5},
    }


def _record(number: int) -> dict[str, Any]:
    """Return a text with a label for each task: without a form of its own, a text to write."""
    randomly = random.Random(number)
    words = [*randomly.choices(WORDS, k=randomly.randint(1, 30)), LABELS[number % 3]]
    randomly.shuffle(words)
    answer = words[number % len(words)]
    return {
        **dict.fromkeys(MODELS, " ".join(word.upper() for word in words[:6])),
        "review": " ".join(words),
        "question": f"which word is at {number % len(words)}?",
        "question-answering": answer if number % 5 else "",
        "answer_start": len(" ".join(["", *words])) - len(" ".join(words[number % len(words) :])) - 1,
        "classification": ("high", "low", "middle")[number % 3],
        "tagging": " ".join(("O", "B-ODD")[len(word) % 2] for word in words),
        "regression": (2.5, -1, 0.25)[number % 3] + randomly.random() / 4,
    }
