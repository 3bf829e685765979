"""Small jobs that learn from labelled texts, and their training state before the first step."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.training.labelled_learner import LabelledLearner, open_task
from llmtrain_trainer.training.train_state import TrainState
from support.bert_folder import write_bert_folder
from unit.trainer.builders import WORDS, MakeRun, make_task_state

NAMES = ("encoder", "lstm", "gru")
LABELS = ("animal", "mineral")
Record = dict[str, Any]


def classified(number: int) -> Record:
    """Return a text, which a word in it classifies, with its label."""
    words = [WORDS[number * step % 17] for step in range(1, 3 + number % 9)]
    return {"text": " ".join([*words, ("fox", "quartz")[number % 2], str(number)]), "label": LABELS[number % 2]}


def rated(number: int) -> Record:
    """Return a text with a number, which its words decide."""
    return classified(number) | {"label": (-3.5, 12)[number % 2]}


def tagged(number: int) -> Record:
    """Return words with tags, which depend on the word or on the one before it; some words have several tokens."""
    words = [*classified(number)["text"].split(), "unfathomable"]
    tags = [
        "B-THE" if before == "the" else "I-LONG" if len(word) > 5 else "O"
        for before, word in itertools.pairwise(["", *words])
    ]
    return {"text": words, "label": tags}


def asked(number: int) -> Record:
    """Return a question about a text: its answer is a number, or there is none."""
    words = classified(number)["text"].split()[:-1]
    value = f"{number * 7 % 1000:03}x"
    words.insert(number * 5 % len(words), value if number % 4 else "none")
    context = " ".join([*words, f"page{number}"])
    answers = [{"text": value, "answer_start": context.index(value)}] if number % 4 else []
    return {"question": "which number is it?", "text": context, "label": answers}


RECORDS: dict[str, Callable[[int], Record]] = {
    "classification": classified,
    "regression": rated,
    "tagging": tagged,
    "question-answering": asked,
}
"""By the name of the task."""
CASES = [
    *(("classification", name) for name in NAMES),
    ("regression", "encoder"),
    ("regression", "gru"),
    ("tagging", "encoder"),
    ("tagging", "lstm"),
    ("question-answering", "encoder"),
    ("question-answering", "gru"),
]
"""Tasks with models."""


def write_records(volume: Path, task: str = "classification", count: int = 200) -> None:
    (volume / "records").mkdir(exist_ok=True)
    lines = "".join(json.dumps(RECORDS[task](number)) + "\n" for number in range(count))
    (volume / "records" / "all.jsonl").write_text(lines)


def make_labelled_run(
    make_run: MakeRun, volume: Path, task: str = "classification", name: str = "encoder", **sections: object
) -> RunConfig:
    """Write the records of a job, and return its run config."""
    write_records(volume, task)
    return make_run(
        task={"name": task},
        model={"name": name, "width": 16, "layers": 1},
        data={
            "source": {"volume": "datasets", "path": "records"},
            "tokenizer": {"vocabSize": 300},
            "heldOutPercent": 20,
        },
        **sections,
    )


def write_model_folder(folder: Path, **changes: object) -> Path:
    """Write a small BERT that knows the words of the records."""
    return write_bert_folder(folder, [*WORDS, "##fox"], **changes)


def make_pretrained_run(
    make_run: MakeRun,
    volume: Path,
    folder: Path,
    *,
    task: str = "classification",
    weights: str = "Load",
    max_tokens: int = 12,
    **sections: object,
) -> RunConfig:
    """Write the records of a job whose model is in `folder`, and return its run config."""
    write_records(volume, task)
    run = make_run(
        task={"name": task},
        model={"from": {"volume": "models", "path": folder.name}, "weights": weights},
        data={"source": {"volume": "datasets", "path": "records"}, "maxTokens": max_tokens, "heldOutPercent": 20},
        **sections,
    )
    return run.model_copy(update={"model_directory": str(folder)})


def make_labelled_state(run: RunConfig, log: JsonLog) -> tuple[LabelledLearner, TrainState]:
    """Return task and state before the first step."""
    torch.set_num_threads(run.threads_per_rank)  # as ranks do; a recurrence has many small operations
    return make_task_state(open_task, run, log)
