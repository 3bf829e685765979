"""The publish stage: judge the trained model on text it never saw, export it, let it write."""

import math
import time
from pathlib import Path

import torch

from llmtrain_api.outcome import ModelFacts, Outcome
from llmtrain_api.run import RunConfig
from llmtrain_trainer.checkpoint.folder import Checkpoints
from llmtrain_trainer.checkpoint.manifest import describe
from llmtrain_trainer.checkpoint.restore import load_into
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.durable import sweep, whole_folder
from llmtrain_trainer.errors import TrainerError
from llmtrain_trainer.log import Log
from llmtrain_trainer.models.huggingface import WEIGHTS_FILE, export
from llmtrain_trainer.publish.sample import write_sample
from llmtrain_trainer.training.evaluation import held_out_loss
from llmtrain_trainer.training.learner import Learner
from llmtrain_trainer.training.ranks import Alone

EVALUATED_TOKENS = 2**16
MODEL_FOLDER = "model"
LONGEST_SAMPLE = 1200


def publish(run: RunConfig, dataset_id: str, log: Log) -> Outcome:
    """Export the newest checkpoint to `model/` in the job's folder, with its facts."""
    torch.set_num_threads(run.threads_per_rank)
    started = time.monotonic()
    dataset = Dataset.open(run.data_directory, dataset_id)
    learner = _newest(run, dataset, log)
    loss = held_out_loss(learner, dataset, Alone(), EVALUATED_TOKENS)
    tokenizer = load_tokenizer(dataset.folder)
    job_directory = Path(run.job_directory)
    sweep(job_directory)
    with whole_folder(job_directory / MODEL_FOLDER, replace=True) as folder:
        export(learner.model, tokenizer, folder)
    weights = job_directory / MODEL_FOLDER / WEIGHTS_FILE
    facts = ModelFacts(
        loss=loss,
        perplexity=math.exp(loss),
        unigram_perplexity=math.exp(dataset.facts.unigram_loss),
        parameters=learner.parameters.weights.numel(),
        sha256=describe(weights).sha256,
        path=f"{job_directory.name}/{MODEL_FOLDER}",
        sample=write_sample(learner.model, tokenizer, run.evaluation.sample, run.training.seed)[:LONGEST_SAMPLE],
    )
    log.info("published", **facts.model_dump(), step=learner.step, seconds=round(time.monotonic() - started, 1))
    message = f"perplexity {facts.perplexity:.1f} on held-out text; by token frequencies {facts.unigram_perplexity:.1f}"
    return Outcome(reason="Completed", message=message, model=facts)


def _newest(run: RunConfig, dataset: Dataset, log: Log) -> Learner:
    """Return the state in the newest whole checkpoint."""
    checkpoints = Checkpoints(job_directory=Path(run.job_directory), log=log)
    newest = checkpoints.newest()
    if newest is None:
        raise TrainerError(f"there is no whole checkpoint in {checkpoints.root}")
    learner = Learner(run, dataset, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    load_into(learner, checkpoints.path(newest.step), newest.step)
    return learner
