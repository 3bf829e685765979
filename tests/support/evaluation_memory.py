"""Evaluations of many sequences with a large vocabulary, each in a process of its own: how much memory they add."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.learners import task_factory
from llmtrain_trainer.training.masked_language import MaskedLanguageTask
from llmtrain_trainer.training.pair_learner import PairLearner
from llmtrain_trainer.training.recommendation import RecommendationTask
from support.training_job import make_job

SEQUENCES, VOCABULARY = 20_000, 32_000
EVENTS = 3 * SEQUENCES
WINDOW = 8
"""Tokens of a masked sequence."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A task whose held-out part has many sequences."""

    spec: Mapping[str, Mapping[str, object]]
    write: Callable[[Path], None]
    """Writes the data volume."""
    judge: Callable[[Any], int]
    """Judges the sequences as *publish* does; returns how many there are."""


def write_events(volume: Path) -> None:
    """Write events of 20,000 users with 32,000 items."""
    items = [*range(VOCABULARY), *random.Random(0).choices(range(VOCABULARY), k=EVENTS - VOCABULARY)]
    events = ({"user": place % SEQUENCES, "item": item, "time": place} for place, item in enumerate(items))
    (volume / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def write_texts(volume: Path) -> None:
    """Write texts of which half have enough words for 20,000 sequences."""
    words, draw = some_words(), random.Random(1)
    for number in range(40):
        (volume / f"{number}.txt").write_text(" ".join(draw.choices(words, k=WINDOW * SEQUENCES // 40)))


def write_pairs(volume: Path) -> None:
    """Write pairs of words: few to train on, 20,000 to be judged on."""
    words = some_words()
    pairs = [f"{left} {right}\t{right} {left}\n" for left, right in zip(words, reversed(words), strict=True)]
    (volume / "test.tsv").write_text("".join(pairs[:SEQUENCES]))
    (volume / "train.tsv").write_text("".join(pairs[SEQUENCES:]))


def some_words() -> list[str]:
    """Return as many different words as the vocabulary has tokens."""
    draw = random.Random(2)
    return list(dict.fromkeys("".join(draw.choices(LETTERS, k=6)) for _ in range(VOCABULARY + 100)))[:VOCABULARY]


def judge_items(task: RecommendationTask) -> int:
    """Return how many users were judged."""
    return len(task.judge(list(range(len(task.dataset.held_out))), SingleProcess())[0])


def judge_masked(task: MaskedLanguageTask) -> int:
    """Return how many windows were judged."""
    return len(task.judge(SingleProcess(), lambda: None, 2 * WINDOW * SEQUENCES))


def judge_pairs(task: PairLearner) -> int:
    """Return for how many pairs the loss was computed and a target was written."""
    numbers = list(range(len(task.dataset.held_out)))
    task.judge_loss(numbers, SingleProcess())
    return len(task.judge_written(numbers, SingleProcess()))


EVALUATIONS = {
    "recommendation": Evaluation(
        spec={
            "task": {"name": "recommendation"},
            "model": {"name": "gpt", "width": 16, "layers": 1, "heads": 2, "contextLength": 8},
            "data": {"source": {"volume": "datasets", "path": "events.jsonl"}},
        },
        write=write_events,
        judge=judge_items,
    ),
    "masked": Evaluation(
        spec={
            "task": {"name": "masked"},
            "model": {"name": "bert", "width": 16, "layers": 1, "heads": 2},
            "data": {
                "source": {"volume": "datasets", "path": "."},
                "heldOutPercent": 50,
                "tokenizer": {"vocabSize": VOCABULARY},
                "maxTokens": WINDOW,
            },
        },
        write=write_texts,
        judge=judge_masked,
    ),
    "translation": Evaluation(
        spec={
            "task": {"name": "translation"},
            "model": {"name": "t5", "width": 16, "layers": 1, "heads": 2},
            "data": {
                "source": {"volume": "datasets", "path": "train.tsv"},
                "heldOut": {"path": "test.tsv"},
                "columns": {"text": "1", "label": "2"},
                "tokenizer": {"vocabSize": VOCABULARY},
                "maxTokens": WINDOW,
            },
        },
        write=write_pairs,
        judge=judge_pairs,
    ),
}
"""By the name of the task."""


def run_of(name: str, root: Path) -> RunConfig:
    """Return the run config of a job below `root`; write its data once."""
    evaluation, volume = EVALUATIONS[name], root / "data"
    if not volume.exists():
        volume.mkdir()
        evaluation.write(volume)
    return make_job(root, volume, **evaluation.spec).run


def prepared(name: str, root: Path) -> str:
    """Prepare the job; return the id of its dataset."""
    info = prepare(run_of(name, root), JsonLog()).dataset
    assert info is not None
    return info.id


def added_mib(name: str, root: Path, dataset: str) -> tuple[int, int, float]:
    """Judge the sequences; return how many there are, the vocabulary, and how much memory that takes beside the task itself."""
    torch.set_num_threads(1)
    task = cast(Any, task_factory(run_of(name, root), dataset)(torch.device("cpu")))
    task.init_weights()
    before = _status_mib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    judged = EVALUATIONS[name].judge(task)
    return judged, task.dataset.info.vocab_size, _status_mib("VmHWM") - before


def _status_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
