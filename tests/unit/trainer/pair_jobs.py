"""Small jobs that learn to write a text from another one, and their training state before the first step."""

import json
from pathlib import Path

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.training.pair_learner import PairLearner, open_task
from llmtrain_trainer.training.train_state import TrainState
from support.t5_folder import write_t5_folder
from unit.trainer.builders import WORDS, MakeRun, make_task_state
from unit.trainer.labelled_jobs import classified

TASKS = ("translation", "summarization")
TARGETS = ("a small red animal", "a hard and clear stone of the earth")
"""What is written of a text, by its class."""


def pair(number: int) -> dict[str, str]:
    """Return a text and what is to be written of it, which one of its words decides."""
    return {"en": classified(number)["text"], "es": TARGETS[number % 2]}


def write_pairs(volume: Path, count: int = 200) -> None:
    (volume / "pairs").mkdir(exist_ok=True)
    (volume / "pairs" / "all.jsonl").write_text("".join(json.dumps(pair(number)) + "\n" for number in range(count)))


def make_pair_run(make_run: MakeRun, volume: Path, task: str = "translation", **sections: object) -> RunConfig:
    """Write the pairs of a job, and return its run config."""
    write_pairs(volume)
    return make_run(
        task={"name": task},
        model={"name": "t5", "width": 16, "layers": 1},
        data={
            "source": {"volume": "datasets", "path": "pairs"},
            "columns": {"text": "en", "label": "es"},
            "tokenizer": {"vocabSize": 300},
            "heldOutPercent": 20,
        },
        **sections,
    )


def write_pair_folder(folder: Path, **changes: object) -> Path:
    """Write a small T5 with random weights that knows the words of the records, and its tokenizer."""
    return write_t5_folder(folder, [*WORDS, *" ".join(TARGETS).split()], **changes)


def make_folder_run(make_run: MakeRun, volume: Path, folder: Path, **sections: object) -> RunConfig:
    """Write the pairs of a job whose model is in `folder`, and return its run config."""
    write_pairs(volume)
    data = {
        "source": {"volume": "datasets", "path": "pairs"},
        "columns": {"text": "en", "label": "es"},
        "maxTokens": 24,
    }
    model = {"from": {"volume": "models", "path": folder.name}}
    run = make_run(task={"name": "translation"}, model=model, data=data | {"heldOutPercent": 20}, **sections)
    return run.model_copy(update={"model_directory": str(folder)})


def make_pair_state(run: RunConfig, log: JsonLog) -> tuple[PairLearner, TrainState]:
    """Return task and state before the first step."""
    return make_task_state(open_task, run, log)
