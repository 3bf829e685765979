"""Checkpoint to state, at any number of ranks: one reads it, and hands it over to the others."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from llmtrain_trainer.checkpoint.manifest import read_manifest
from llmtrain_trainer.checkpoint.store import STATE_FILES, CheckpointStore
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.log import Log
from llmtrain_trainer.training.train_state import TrainState


def restore(learner: TrainState, checkpoints: CheckpointStore, log: Log) -> None:
    """Bring `learner` to the newest whole checkpoint, or to the beginning."""
    newest = checkpoints.newest()
    if newest is None:
        learner.reset()
        log.info("begun", parameters=learner.parameters.weights.numel())
        return
    path = checkpoints.path(newest.step)
    if learner.exact and newest.numerics != learner.numerics:
        raise BadInput(
            f"spec.training.reduction: {path.name} was computed with {newest.numerics or 'something unknown'}, this worker "
            f"computes with {learner.numerics}, which gives other bits; use nodes and an image like those before, or make "
            "a new job with reduction Fast"
        )
    load_into(learner, path, newest.step)
    log.info("restored", step=newest.step, checkpoint=path.name)


def load_into(learner: TrainState, path: Path, step: int) -> None:
    """Bring `learner` to the state in the checkpoint `path`; BadInput if it is of another network."""
    manifest = read_manifest(path)
    if manifest.parameters != learner.parameters.weights.numel():
        raise BadInput(
            f"{learner.spec_field}: {path.name} holds {manifest.parameters} parameters, but the job now asks for "
            f"{learner.parameters.weights.numel()}; restore the model's sizes or make a new job"
        )
    state = read_state(path)
    if strangers := sorted(name for name, tensor in learner.state_dict().items() if not _fits(tensor, state.get(name))):
        raise BadInput(
            f"{learner.spec_field}: {path.name} holds no {strangers[0]} of the shape that the network has now; restore the "
            "network or make a new job"
        )
    learner.load_state_dict(state, step)


def _fits(tensor: Tensor, kept: Tensor | None) -> bool:
    return kept is not None and kept.shape == tensor.shape


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by the names that `State.state` gives them."""
    weights = load_file(path / STATE_FILES["weight"])
    return {f"weight/{name}": tensor for name, tensor in weights.items()} | load_file(path / STATE_FILES["optimizer"])
