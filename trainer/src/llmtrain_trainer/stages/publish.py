"""The publish stage: judges the trained model on held-out data, and exports it.

What a task exports and reports is in the module of its name; each has `publish_model`.
"""

import importlib
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.atomic_directory import remove_stale
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.checkpoint.identity import require_same_identity
from llmtrain_trainer.checkpoint.manifest import digest_file
from llmtrain_trainer.checkpoint.restore import listed, load_into
from llmtrain_trainer.checkpoint.store import CheckpointStore, Found
from llmtrain_trainer.errors import TrainerError
from llmtrain_trainer.stages.epochs import with_steps
from llmtrain_trainer.training.best_so_far import BestSoFar, ending
from llmtrain_trainer.training.learners import task_factory
from llmtrain_trainer.training.task import Task
from llmtrain_trainer.training.train_state import TrainState

MODEL_DIRECTORY, WEIGHTS_FILE = "model", "model.safetensors"
PUBLISHERS: Mapping[str, str] = {
    "pretrain": "llmtrain_trainer.stages.publish_text",
    "masked": "llmtrain_trainer.stages.publish_masked",
    "classification": "llmtrain_trainer.stages.publish_labelled",
    "regression": "llmtrain_trainer.stages.publish_labelled",
    "tagging": "llmtrain_trainer.stages.publish_labelled",
    "question-answering": "llmtrain_trainer.stages.publish_labelled",
    "translation": "llmtrain_trainer.stages.publish_pairs",
    "summarization": "llmtrain_trainer.stages.publish_pairs",
    "recommendation": "llmtrain_trainer.stages.publish_items",
    "word-vectors": "llmtrain_trainer.stages.publish_vectors",
}
"""By the name of the task."""


def publish(run: RunConfig, dataset_id: str, log: JsonLog) -> TerminationMessage:
    """Export a checkpoint to `model/` in the job's directory, and describe it in the termination message.

    It is the last one, or the best one if the job has `evaluation.stopAfter`.

    TrainerError if the checkpoint after the last step is not complete, BadInput if it is of another training.
    """
    torch.set_num_threads(run.threads_per_rank)
    run = with_steps(run, dataset_id)
    started_at = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = task_factory(run, dataset_id)(device)
    state, how, history = _load_published(run, task, device, log)
    directory = Path(run.job_directory) / MODEL_DIRECTORY
    remove_stale(directory.parent)
    publisher = importlib.import_module(PUBLISHERS[run.task.name])
    with state.average.in_use():
        info, message = publisher.publish_model(run, task, directory, history)
    info = info.model_copy(
        update={
            "parameters": state.num_parameters,
            "step": state.step,
            "ending": how,
            "sha256": digest_file(directory / WEIGHTS_FILE).sha256,
            "path": f"{directory.parent.name}/{MODEL_DIRECTORY}",
        }
    )
    seconds = round(time.monotonic() - started_at, 1)
    log.info(TrainerEvent.PUBLISHED, message=message, **info.model_dump(), seconds=seconds)
    return TerminationMessage(reason="Completed", message=message, model=info)


def _load_published(run: RunConfig, task: Task, device: torch.device, log: JsonLog) -> tuple[TrainState, str, History]:
    """Return the state to publish, how the training ended if that says which one it is, and the history to the end."""
    checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=log)
    state = TrainState(task, run, device)
    found = checkpoints.find_newest(
        lambda manifest: require_same_identity(state, manifest, checkpoints.path(manifest.step).name)
    )
    newest, steps = found.newest, run.training.total_steps
    how = ending(newest.step, steps, newest.counters, run.evaluation) if newest else None
    if newest is None or how is None:
        raise TrainerError(_why_unpublished(checkpoints, checkpoints.path(steps).name, found))
    step, stops = newest.step, run.evaluation.stop_after is not None
    if stops and (best := BestSoFar.of(newest.counters).step):
        step = best
        _require_complete(checkpoints, step)
    path = checkpoints.path(step)
    checkpoints.retry(lambda: load_into(state, path, step))
    return state, how if stops else "", newest.history


def _require_complete(checkpoints: CheckpointStore, best: int) -> None:
    """TrainerError if the checkpoint of the best evaluation is not complete."""
    if not checkpoints.retry(lambda: checkpoints.is_complete(best)):
        name = checkpoints.path(best).name
        raise TrainerError(
            f"the checkpoint of the best evaluation can't be published: {name} is damaged or not there; restore {name} from a "
            "backup, or create a new job"
        )


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
