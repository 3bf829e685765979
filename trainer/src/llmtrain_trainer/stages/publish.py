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
from llmtrain_trainer.checkpoint.identity import require_same_identity
from llmtrain_trainer.checkpoint.manifest import digest_file
from llmtrain_trainer.checkpoint.restore import listed, load_into
from llmtrain_trainer.checkpoint.store import CheckpointStore, Found
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
    """Export the last checkpoint to `model/` in the job's directory, and describe it in the termination message.

    TrainerError if the checkpoint after the last step is not complete, BadInput if it is of another training.
    """
    torch.set_num_threads(run.threads_per_rank)
    started_at = time.monotonic()
    dataset = Dataset.open(run.data_directory, dataset_id)
    task, state = _load_last(run, dataset, log)
    loss = held_out_loss(task.model, dataset, SingleProcess(), training=run.training, max_tokens=EVALUATED_TOKENS)
    directory = Path(run.job_directory) / MODEL_DIRECTORY
    _export(task.model, dataset, directory)
    info = ModelInfo(
        loss=loss,
        perplexity=perplexity_of(loss),
        unigram_perplexity=perplexity_of(dataset.info.unigram_loss),
        parameters=state.num_parameters,
        sha256=digest_file(directory / WEIGHTS_FILE).sha256,
        path=f"{directory.parent.name}/{MODEL_DIRECTORY}",
        sample=_sample(run, task.model, dataset) if math.isfinite(loss) else "",
    )
    seconds = round(time.monotonic() - started_at, 1)
    log.info(TrainerEvent.PUBLISHED, **info.model_dump(), step=state.step, seconds=seconds)
    message = f"perplexity {info.perplexity:.1f} on held-out text; by token frequencies {info.unigram_perplexity:.1f}"
    return TerminationMessage(reason="Completed", message=message, model=info)


def perplexity_of(loss: float) -> float:
    """Return the perplexity of a loss in nats per token; infinity where it exceeds the range of floats."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def _load_last(run: RunConfig, dataset: Dataset, log: JsonLog) -> tuple[GPTTask, TrainState]:
    """Return the task and the state of the checkpoint after the last step."""
    checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=log)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = GPTTask(run, dataset, device)
    state = TrainState(task, run, device)
    found = checkpoints.find_newest(
        lambda manifest: require_same_identity(state, manifest, checkpoints.path(manifest.step).name)
    )
    last = checkpoints.path(run.training.steps)
    if found.newest is None or found.newest.step != run.training.steps:
        raise TrainerError(_why_unpublished(checkpoints, last.name, found))
    checkpoints.retry(lambda: load_into(state, last, run.training.steps))
    return task, state


def _why_unpublished(checkpoints: CheckpointStore, last: str, found: Found) -> str:
    """Return why `last`, the checkpoint after the last step, can't be published, and what to do."""
    if found.newest is None:
        return f"no complete checkpoint in {checkpoints.root}; nothing to publish: {listed(found.damaged) or 'it is empty'}"
    why = next((sentence for sentence in found.damaged if sentence.startswith(last)), f"{last} is not there")
    return (
        f"the checkpoint after the last step can't be published: {why}. The newest complete checkpoint is of step "
        f"{found.newest.step}, which is not the model that the job asks for; restore {last} from a backup, or run the job "
        "again: `llmtrain run` trains the missing steps"
    )


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
