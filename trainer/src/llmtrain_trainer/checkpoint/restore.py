"""Checkpoint to state: the first rank chooses, all read the same files from the volume."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from llmtrain_api.membership import Checkpointed
from llmtrain_trainer.checkpoint.folder import STATE_FILES, Checkpoints
from llmtrain_trainer.checkpoint.manifest import read_manifest
from llmtrain_trainer.checkpoint.save import checkpointed
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.log import Log
from llmtrain_trainer.training.learner import Learner, Ranks


def restore(learner: Learner, checkpoints: Checkpoints, ranks: Ranks, log: Log) -> Checkpointed | None:
    """Bring every rank to the newest whole checkpoint that the first rank sees, or to the beginning."""
    step = _choose(checkpoints, ranks, learner.device)
    if step == 0:
        learner.begin()
        log.info("begun", parameters=learner.parameters.weights.numel())
        return None
    path = checkpoints.path(step)
    load_into(learner, path, step)
    log.info("restored", step=step, checkpoint=path.name)
    return checkpointed(read_manifest(path), path)


def load_into(learner: Learner, path: Path, step: int) -> None:
    """Bring `learner` to the state in the checkpoint `path`; BadInput if it is of another network."""
    manifest = read_manifest(path)
    if manifest.parameters != learner.parameters.weights.numel():
        raise BadInput(
            f"spec.model: {path.name} holds {manifest.parameters} parameters, but the job now asks for "
            f"{learner.parameters.weights.numel()}; restore the model's sizes or make a new job"
        )
    learner.resume(read_state(path), step)


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by the names that `Learner.state` gives them."""
    weights = load_file(path / STATE_FILES["weight"])
    return {f"weight/{name}": tensor for name, tensor in weights.items()} | load_file(path / STATE_FILES["optimizer"])


def _choose(checkpoints: Checkpoints, ranks: Ranks, device: torch.device) -> int:
    """Return the first rank's choice on all ranks: the others add nothing to it."""
    chosen = checkpoints.newest_step() if ranks.rank == 0 else 0
    step = torch.tensor([chosen], dtype=torch.int64, device=device)
    ranks.sum(step)
    return int(step)
