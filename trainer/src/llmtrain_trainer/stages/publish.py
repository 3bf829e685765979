"""The publish stage: judge the trained model on text it never saw, export it, let it write."""

import math
import time
from pathlib import Path

import torch

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo, TerminationMessage
from llmtrain_trainer.atomic_directory import atomic_directory, remove_stale
from llmtrain_trainer.checkpoint.manifest import digest_file
from llmtrain_trainer.checkpoint.restore import load_into
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import TrainerError
from llmtrain_trainer.log import Log
from llmtrain_trainer.models.generate import generate
from llmtrain_trainer.models.huggingface import WEIGHTS_FILE, export
from llmtrain_trainer.training.evaluation import held_out_loss
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.train_state import TrainState

EVALUATED_TOKENS = 2**16
MODEL_FOLDER = "model"
LONGEST_SAMPLE = 1200


def publish(run: RunConfig, dataset_id: str, log: Log) -> TerminationMessage:
    """Export the newest checkpoint to `model/` in the job's folder, with its facts."""
    torch.set_num_threads(run.threads_per_rank)
    started = time.monotonic()
    dataset = Dataset.open(run.data_directory, dataset_id)
    task, state = _load_newest(run, dataset, log)
    loss = held_out_loss(task.model, dataset, SingleProcess(), training=run.training, max_tokens=EVALUATED_TOKENS)
    tokenizer = load_tokenizer(dataset.folder)
    job_directory = Path(run.job_directory)
    remove_stale(job_directory)
    with atomic_directory(job_directory / MODEL_FOLDER, replace=True) as folder:
        export(task.model, tokenizer, folder)
    weights = job_directory / MODEL_FOLDER / WEIGHTS_FILE
    facts = ModelInfo(
        loss=loss,
        perplexity=math.exp(loss),
        unigram_perplexity=math.exp(dataset.facts.unigram_loss),
        parameters=state.num_parameters,
        sha256=digest_file(weights).sha256,
        path=f"{job_directory.name}/{MODEL_FOLDER}",
        sample=generate(task.model, tokenizer, run.evaluation.sample, run.training.seed)[:LONGEST_SAMPLE],
    )
    log.info("published", **facts.model_dump(), step=state.step, seconds=round(time.monotonic() - started, 1))
    message = f"perplexity {facts.perplexity:.1f} on held-out text; by token frequencies {facts.unigram_perplexity:.1f}"
    return TerminationMessage(reason="Completed", message=message, model=facts)


def _load_newest(run: RunConfig, dataset: Dataset, log: Log) -> tuple[GPTTask, TrainState]:
    """Return the task and the state of the newest complete checkpoint."""
    checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=log)
    newest = checkpoints.newest()
    if newest is None:
        raise TrainerError(f"there is no whole checkpoint in {checkpoints.root}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = GPTTask(run, dataset, device)
    state = TrainState(task, run, device)
    load_into(state, checkpoints.path(newest.step), newest.step)
    return task, state
