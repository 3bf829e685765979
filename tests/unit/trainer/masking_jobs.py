"""Small jobs that learn to predict masked tokens, and their training state before the first step."""

from pathlib import Path

import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.training.masked_language import MaskedLanguageTask, open_task
from llmtrain_trainer.training.train_state import TrainState
from support.bert_folder import write_bert_folder
from unit.trainer.builders import MakeRun, make_task_state

WORDS = [f"{consonant}{vowel}n" for consonant in "bcdfghkl" for vowel in "aeiou"]
TRAINING = {
    "steps": 40,
    "microbatches": 6,
    "microbatchSize": 4,
    "warmupSteps": 2,
    "dropout": "0.1",
    "optimizer": {"learningRate": "1e-2"},
}
MAX_TOKENS = 16


def make_masked_run(make_run: MakeRun, volume: Path, folder: Path | None = None, **sections: object) -> RunConfig:
    """Return the run config of a job on a text in which a word decides the next one; the model is in `folder`, or a bert."""
    lines = (" ".join(WORDS[(start + 7 * place) % len(WORDS)] for place in range(20)) for start in range(200))
    (volume / "lines.txt").write_text("\n".join(lines))
    data = {"source": {"volume": "datasets", "path": "lines.txt"}, "maxTokens": MAX_TOKENS, "heldOutPercent": 20}
    model: dict[str, object] = {"name": "bert", "width": 32, "layers": 1, "heads": 2}
    training = TRAINING
    if folder:
        model, training = {"from": {"volume": "models", "path": folder.name}}, TRAINING | {"dropout": "0"}
    else:
        data |= {"tokenizer": {"vocabSize": 300}}
    run = make_run(**{"task": {"name": "masked"}, "model": model, "data": data, "training": training} | sections)
    return run.model_copy(update={"model_directory": str(folder)}) if folder else run


def write_masked_folder(folder: Path) -> Path:
    """Write a small BERT that knows the words of the text."""
    return write_bert_folder(folder, WORDS)


def make_masked_state(run: RunConfig, log: JsonLog) -> tuple[MaskedLanguageTask, TrainState]:
    """Return task and state before the first step."""
    torch.set_num_threads(run.threads_per_rank)
    return make_task_state(open_task, run, log)
