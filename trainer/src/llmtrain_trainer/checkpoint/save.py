"""State to checkpoint: written aside, flushed, renamed. A crash at any point leaves the one before."""

import time
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from llmtrain_api.membership import Checkpointed
from llmtrain_api.run import RunConfig
from llmtrain_trainer.checkpoint.folder import STATE_FILES, Checkpoints
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, KeptFile, Manifest, describe
from llmtrain_trainer.durable import sweep, whole_folder
from llmtrain_trainer.log import Log, timestamp
from llmtrain_trainer.training.learner import Learner
from llmtrain_trainer.training.numerics import numerics


def save(learner: Learner, checkpoints: Checkpoints, run: RunConfig, dataset: str, log: Log) -> Checkpointed:
    """Write the checkpoint of this step, and remove what isn't kept any longer. Only one rank may call this."""
    started = time.monotonic()
    sweep(checkpoints.root)
    path = checkpoints.path(learner.step)
    with whole_folder(path, replace=True) as folder:
        manifest = Manifest(
            step=learner.step,
            time=timestamp(),
            job=run.job,
            dataset=dataset,
            parameters=learner.parameters.elements,
            numerics=numerics(run),
            files=_write(learner.state(), folder),
        )
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(by_alias=True, indent=2))
    checkpoints.forget(run.checkpoint.keep_last)
    log.info("checkpoint", step=learner.step, seconds=round(time.monotonic() - started, 2), path=str(path))
    return checkpointed(manifest, path)


def checkpointed(manifest: Manifest, path: Path) -> Checkpointed:
    """Return what the coordinator is told of a checkpoint."""
    return Checkpointed(step=manifest.step, time=manifest.time, path=str(path))


def _write(state: dict[str, Tensor], folder: Path) -> dict[str, KeptFile]:
    weights = {name.removeprefix("weight/"): tensor for name, tensor in state.items() if name.startswith("weight/")}
    rest = {name: tensor for name, tensor in state.items() if not name.startswith("weight/")}
    for file, tensors in ((STATE_FILES["weight"], weights), (STATE_FILES["optimizer"], rest)):
        save_file({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}, folder / file)
    return {file: describe(folder / file) for file in STATE_FILES.values()}
