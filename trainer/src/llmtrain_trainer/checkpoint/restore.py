"""Restores the training state from a checkpoint, at any number of ranks: one reads it and sends it to the others.

Training starts at step 0 only if there never was a checkpoint. Tensors are read in pieces into the buffers of the state,
so that restoring needs no memory for a second copy, and a slow volume does not trigger the watchdog.
"""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.checkpointable import Checkpointable
from llmtrain_trainer.checkpoint.identity import require_same_identity, require_same_numerics
from llmtrain_trainer.checkpoint.manifest import Manifest, read_manifest
from llmtrain_trainer.checkpoint.store import SAVED_FILE, STATE_FILES, CheckpointStore, Found
from llmtrain_trainer.errors import BadInput, CheckpointInvalid

PIECE_ELEMENTS = 2**22
"""Elements copied at once, 16 MiB."""
MAX_LISTED = 8
"""Checkpoints that a message lists."""
PingWatchdog = Callable[[], None]


def restore(
    state: Checkpointable, checkpoints: CheckpointStore, log: JsonLog, ping_watchdog: PingWatchdog | None = None
) -> None:
    """Load the newest complete checkpoint into `state`; if there never was one, reset it to the initial weights.

    BadInput if the checkpoint is of another training, or if none of those that are there is complete; VolumeUnreadable if
    they can't be read. `ping_watchdog` is called after each piece that is read, instead of that of the state.
    """
    ping = ping_watchdog or state.ping_watchdog

    def require_same(manifest: Manifest) -> None:
        name = checkpoints.path(manifest.step).name
        require_same_identity(state, manifest, name)
        require_same_numerics(state, manifest, name)

    found = checkpoints.find_newest(require_same, ping)
    if found.newest is None:
        _require_none_before(checkpoints, found, ping)
        state.reset()
        log.info(TrainerEvent.INITIALIZED, parameters=state.num_parameters)
        return
    path, step = checkpoints.path(found.newest.step), found.newest.step
    checkpoints.retry(lambda: load_into(state, path, step, ping), ping)
    log.info(TrainerEvent.RESTORED, step=step, checkpoint=path.name)


def _require_none_before(checkpoints: CheckpointStore, found: Found, ping_watchdog: PingWatchdog) -> None:
    """Raise BadInput if there was a checkpoint: that none is complete now is no reason to train from step 0."""
    remedy = (
        f"restore one from a backup; or, to train from step 0, delete {checkpoints.root} and "
        f"{checkpoints.job_directory / SAVED_FILE}, or create a new job"
    )
    if found.damaged:
        raise BadInput(
            f"spec.checkpoint.volume: every checkpoint in {checkpoints.root} is damaged: {listed(found.damaged)}. "
            f"To resume, {remedy}"
        )
    saved = checkpoints.retry(checkpoints.saved_step, ping_watchdog)
    if saved is not None:
        raise BadInput(
            f"spec.checkpoint.volume: {checkpoints.root} is empty, but {checkpoints.path(saved).name} was saved there. To "
            f"resume, {remedy}"
        )


def listed(damaged: Sequence[str]) -> str:
    """Return what is wrong with checkpoints, as many as fit into a message."""
    more = len(damaged) - MAX_LISTED
    return "; ".join(damaged[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def load_into(state: Checkpointable, path: Path, step: int, ping_watchdog: PingWatchdog | None = None) -> None:
    """Load the checkpoint `path` into `state`, which is incomplete until the end. BadInput if it is of another network."""
    ping = ping_watchdog or state.ping_watchdog
    manifest = read_manifest(path)
    if manifest.parameters != state.num_parameters:
        raise BadInput(
            f"{state.spec_field}: {path.name} holds {manifest.parameters} parameters, but the job now defines "
            f"{state.num_parameters}; restore the model's sizes or create a new job"
        )
    tensors = state.state_dict()
    with contextlib.ExitStack() as stack:
        files = {kind: stack.enter_context(_opened(path / file)) for kind, file in STATE_FILES.items()}
        places = {name: _place(name, files) for name in tensors}
        mismatched = [name for name, tensor in tensors.items() if not _matches(tensor, *places[name])]
        if mismatched:
            raise BadInput(
                f"{state.spec_field}: {path.name} holds no {min(mismatched)} of the shape that the network has now; restore "
                "the network or create a new job"
            )
        state.mark_incomplete()
        for name, tensor in tensors.items():
            _read_into(tensor, *places[name], ping)
    state.mark_complete(step, manifest.counters, manifest.history)


def _opened(file: Path) -> Any:
    try:
        return safe_open(file, "pt")
    except SafetensorError as error:
        raise CheckpointInvalid(f"{file.parent.name}/{file.name} is corrupt: {error}") from error


def _place(name: str, files: dict[str, Any]) -> tuple[Any, str]:
    """Return the file that holds a tensor of `Checkpointable.state_dict`, and its name there."""
    buffer, _, parameter = name.partition("/")
    return (files["weight"], parameter) if buffer == "weight" else (files["optimizer"], name)


def _matches(tensor: Tensor, file: Any, name: str) -> bool:
    return name in file.keys() and tuple(file.get_slice(name).get_shape()) == tensor.shape  # noqa: SIM118


def _read_into(tensor: Tensor, file: Any, name: str, ping_watchdog: PingWatchdog) -> None:
    """Copy a tensor of a file, a few rows at a time."""
    if tensor.ndim == 0:
        tensor.copy_(file.get_tensor(name))
        return
    saved, rows = file.get_slice(name), max(1, PIECE_ELEMENTS * len(tensor) // max(1, tensor.numel()))
    for start in range(0, len(tensor), rows):
        ping_watchdog()
        tensor[start : start + rows].copy_(saved[start : start + rows])
