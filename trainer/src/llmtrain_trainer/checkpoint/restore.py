"""Restores the training state from a checkpoint, at any number of ranks: one reads it and sends it to the others."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.checkpointable import Checkpointable
from llmtrain_trainer.checkpoint.manifest import Manifest, read_manifest
from llmtrain_trainer.checkpoint.store import STATE_FILES, CheckpointStore
from llmtrain_trainer.errors import BadInput


def restore(state: Checkpointable, checkpoints: CheckpointStore, log: JsonLog) -> None:
    """Load the newest valid checkpoint into `state`; without one, reset it to the initial weights."""
    newest = checkpoints.newest()
    if newest is None:
        state.reset()
        log.info(TrainerEvent.INITIALIZED, parameters=state.num_parameters)
        return
    path = checkpoints.path(newest.step)
    _check_numerics(state, newest, path)
    load_into(state, path, newest.step)
    log.info(TrainerEvent.RESTORED, step=newest.step, checkpoint=path.name)


def _check_numerics(state: Checkpointable, manifest: Manifest, path: Path) -> None:
    if state.exact and manifest.numerics != state.numerics:
        raise BadInput(
            f"spec.training.reduction: {path.name} was computed with {manifest.numerics or 'unknown numerics'}, this "
            f"worker computes with {state.numerics}, which gives other bits; use nodes and an image like those before, or "
            "create a new job with reduction Fast"
        )


def load_into(state: Checkpointable, path: Path, step: int) -> None:
    """Load the checkpoint `path` into `state`. BadInput if it is of another network."""
    manifest = read_manifest(path)
    if manifest.parameters != state.num_parameters:
        raise BadInput(
            f"{state.spec_field}: {path.name} holds {manifest.parameters} parameters, but the job now defines "
            f"{state.num_parameters}; restore the model's sizes or create a new job"
        )
    tensors = read_tensors(path)
    mismatched = [name for name, tensor in state.state_dict().items() if not _matches(tensor, tensors.get(name))]
    if mismatched:
        raise BadInput(
            f"{state.spec_field}: {path.name} holds no {min(mismatched)} of the shape that the network has now; restore "
            "the network or create a new job"
        )
    state.load_state_dict(tensors, step, manifest.counters)


def _matches(tensor: Tensor, saved: Tensor | None) -> bool:
    return saved is not None and saved.shape == tensor.shape


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, named as in `Checkpointable.state_dict`."""
    weights = load_file(path / STATE_FILES["weight"])
    return {f"weight/{name}": tensor for name, tensor in weights.items()} | load_file(path / STATE_FILES["optimizer"])
