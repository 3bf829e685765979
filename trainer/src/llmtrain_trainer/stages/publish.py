"""The publish stage: evaluates the trained model on held-out text, exports it and samples a text."""

import math
import time
from pathlib import Path

import torch

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo, TerminationMessage
from llmtrain_trainer.atomic_directory import atomic_directory, remove_stale
from llmtrain_trainer.checkpoint.manifest import digest_file
from llmtrain_trainer.checkpoint.restore import load_into
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, load_tokenizer, tokenizer_json
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import TrainerError
from llmtrain_trainer.models.generate import generate
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.huggingface import WEIGHTS_FILE, export
from llmtrain_trainer.training.evaluation import held_out_loss
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.train_state import TrainState

EVALUATED_TOKENS = 2**16
"""Held-out tokens of the final evaluation."""
MODEL_DIRECTORY = "model"
MAX_SAMPLE_CHARACTERS = 1200


def publish(run: RunConfig, dataset_id: str, log: JsonLog) -> TerminationMessage:
    """Export the newest checkpoint to `model/` in the job's directory, and describe it in the termination message.

    TrainerError if the job has no complete checkpoint.
    """
    torch.set_num_threads(run.threads_per_rank)
    started_at = time.monotonic()
    dataset = Dataset.open(run.data_directory, dataset_id)
    task, state = _load_newest(run, dataset, log)
    loss = held_out_loss(task.model, dataset, SingleProcess(), training=run.training, max_tokens=EVALUATED_TOKENS)
    directory = Path(run.job_directory) / MODEL_DIRECTORY
    _export(task.model, dataset, directory)
    info = ModelInfo(
        loss=loss,
        perplexity=_perplexity(loss),
        unigram_perplexity=_perplexity(dataset.info.unigram_loss),
        parameters=state.num_parameters,
        sha256=digest_file(directory / WEIGHTS_FILE).sha256,
        path=f"{directory.parent.name}/{MODEL_DIRECTORY}",
        sample=_sample(run, task.model, dataset),
    )
    seconds = round(time.monotonic() - started_at, 1)
    log.info(TrainerEvent.PUBLISHED, **info.model_dump(), step=state.step, seconds=seconds)
    message = f"perplexity {info.perplexity:.1f} on held-out text; by token frequencies {info.unigram_perplexity:.1f}"
    return TerminationMessage(reason="Completed", message=message, model=info)


def _perplexity(loss: float) -> float:
    """Return e to the power of a loss; infinity if that exceeds a float, as after a training that diverged."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def _load_newest(run: RunConfig, dataset: Dataset, log: JsonLog) -> tuple[GPTTask, TrainState]:
    """Return the task and the state of the newest complete checkpoint."""
    checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=log)
    newest = checkpoints.newest()
    if newest is None:
        raise TrainerError(f"no complete checkpoint in {checkpoints.root}; nothing to publish")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = GPTTask(run, dataset, device)
    state = TrainState(task, run, device)
    load_into(state, checkpoints.path(newest.step), newest.step)
    return task, state


def _export(model: GPT, dataset: Dataset, directory: Path) -> None:
    """Replace the export, and remove what interrupted ones left."""
    text = tokenizer_json(load_tokenizer(dataset.directory))
    remove_stale(directory.parent)
    with atomic_directory(directory, replace=True) as unfinished:
        export(model, text, unfinished, end_of_text=END_OF_TEXT, end_of_text_id=END_OF_TEXT_ID)


def _sample(run: RunConfig, model: GPT, dataset: Dataset) -> str:
    tokenizer = load_tokenizer(dataset.directory)
    text = generate(model, tokenizer, run.evaluation.sample, seed=run.training.seed, end_of_text_id=END_OF_TEXT_ID)
    return text[:MAX_SAMPLE_CHARACTERS]
