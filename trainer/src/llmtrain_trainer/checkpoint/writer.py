"""`python -m llmtrain_trainer.checkpoint.writer DESCRIPTOR BYTES`: writes checkpoints while the training goes on.

A process of its own, so that it shares no interpreter lock with the training; it imports no torch. Each checkpoint is
written aside, flushed and renamed, so a crash at any point leaves the one before.
"""

import mmap
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from llmtrain_api.membership import Checkpointed, Written
from llmtrain_trainer.checkpoint.claim import check
from llmtrain_trainer.checkpoint.folder import Checkpoints
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, KeptFile, Manifest, describe
from llmtrain_trainer.checkpoint.order import Done, Order
from llmtrain_trainer.durable import sweep, whole_folder
from llmtrain_trainer.errors import Superseded
from llmtrain_trainer.log import Log

Memory = NDArray[np.float32]


def obey(order: Order, memory: Memory) -> Done:
    """Write one checkpoint, and remove what isn't kept any longer; an error costs this checkpoint and no more."""
    began = time.monotonic()
    checkpoints = Checkpoints(job_directory=Path(order.job_directory), log=Log(lowest="warning"))
    step = order.manifest.step
    try:
        sweep(checkpoints.root)
        with whole_folder(checkpoints.path(step), replace=True) as folder:
            manifest = order.manifest.model_copy(update={"files": _write(order, memory, folder)})
            (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(by_alias=True, indent=2))
            check(checkpoints.job_directory, order.term)
        checkpoints.forget(keep_last=order.keep_last, keep_best=order.keep_best)
    except Superseded as error:
        return Done(step=step, seconds=time.monotonic() - began, error=str(error), superseded=True)
    except (OSError, SafetensorError) as error:
        return Done(step=step, seconds=time.monotonic() - began, error=str(error))
    seconds = time.monotonic() - began
    done = checkpointed(manifest, checkpoints.path(step))
    return Done(step=step, seconds=seconds, checkpoint=done, written=_written(manifest, checkpoints.root, seconds))


def _written(manifest: Manifest, volume: Path, seconds: float) -> Written | None:
    """Return what a checkpoint took, and what it left of its volume; None if the volume doesn't say."""
    try:
        room = shutil.disk_usage(volume)
    except OSError:
        return None
    size = sum(file.size_bytes for file in manifest.files.values())
    return Written(seconds=seconds, size_bytes=size, volume_size_bytes=room.total, volume_free_bytes=room.free)


def checkpointed(manifest: Manifest, path: Path) -> Checkpointed:
    """Return what the coordinator is told of a checkpoint."""
    return Checkpointed(step=manifest.step, time=manifest.time, path=str(path))


def _write(order: Order, memory: Memory, folder: Path) -> dict[str, KeptFile]:
    files: dict[str, dict[str, Memory]] = {}
    for place in order.places:
        part = memory[place.offset : place.offset + int(np.prod(place.shape))].reshape(place.shape)
        files.setdefault(place.file, {})[place.name] = part
    for file, tensors in files.items():
        save_file(tensors, folder / file)
    return {file: describe(folder / file) for file in files}


def main() -> None:
    """Obey orders until there are no more."""
    from llmtrain_trainer.orphan import die_with_parent

    die_with_parent()
    descriptor, size = int(sys.argv[1]), int(sys.argv[2])
    memory = np.frombuffer(mmap.mmap(descriptor, size, prot=mmap.PROT_READ), dtype=np.float32)
    os.close(descriptor)
    for line in sys.stdin:
        print(obey(Order.model_validate_json(line), memory).model_dump_json(by_alias=True), flush=True)


if __name__ == "__main__":
    main()
