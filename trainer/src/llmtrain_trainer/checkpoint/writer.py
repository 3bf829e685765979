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

from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_trainer.atomic_directory import atomic_directory, remove_stale
from llmtrain_trainer.checkpoint.fence import check_fence
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, FileDigest, Manifest, digest_file
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.checkpoint.writer_protocol import WriteRequest, WriteResult
from llmtrain_trainer.errors import Fenced
from llmtrain_trainer.log import Log

Memory = NDArray[np.float32]


def handle_request(order: WriteRequest, memory: Memory) -> WriteResult:
    """Write one checkpoint, and remove what isn't kept any longer; an error costs this checkpoint and no more."""
    began = time.monotonic()
    checkpoints = CheckpointStore(job_directory=Path(order.job_directory), log=Log(min_level="warning"))
    step = order.manifest.step
    try:
        remove_stale(checkpoints.root)
        with atomic_directory(checkpoints.path(step), replace=True) as folder:
            manifest = order.manifest.model_copy(update={"files": _write(order, memory, folder)})
            (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(by_alias=True, indent=2))
            check_fence(checkpoints.job_directory, order.term)
        checkpoints.prune(keep_last=order.keep_last, keep_best=order.keep_best)
    except Fenced as error:
        return WriteResult(step=step, seconds=time.monotonic() - began, error=str(error), superseded=True)
    except (OSError, SafetensorError) as error:
        return WriteResult(step=step, seconds=time.monotonic() - began, error=str(error))
    seconds = time.monotonic() - began
    done = checkpointed(manifest, checkpoints.path(step))
    return WriteResult(
        step=step, seconds=seconds, checkpoint=done, written=_written(manifest, checkpoints.root, seconds)
    )


def _written(manifest: Manifest, volume: Path, seconds: float) -> CheckpointWriteStats | None:
    """Return what a checkpoint took, and what it left of its volume; None if the volume doesn't say."""
    try:
        room = shutil.disk_usage(volume)
    except OSError:
        return None
    size = sum(file.size_bytes for file in manifest.files.values())
    return CheckpointWriteStats(
        seconds=seconds, size_bytes=size, volume_size_bytes=room.total, volume_free_bytes=room.free
    )


def checkpointed(manifest: Manifest, path: Path) -> CheckpointInfo:
    """Return what the coordinator is told of a checkpoint."""
    return CheckpointInfo(step=manifest.step, time=manifest.time, path=str(path))


def _write(order: WriteRequest, memory: Memory, folder: Path) -> dict[str, FileDigest]:
    files: dict[str, dict[str, Memory]] = {}
    for place in order.places:
        part = memory[place.offset : place.offset + int(np.prod(place.shape))].reshape(place.shape)
        files.setdefault(place.file, {})[place.name] = part
    for file, tensors in files.items():
        save_file(tensors, folder / file)
    return {file: digest_file(folder / file) for file in files}


def main() -> None:
    """Obey orders until there are no more."""
    from llmtrain_trainer.parent_death import die_with_parent

    die_with_parent()
    descriptor, size = int(sys.argv[1]), int(sys.argv[2])
    memory = np.frombuffer(mmap.mmap(descriptor, size, prot=mmap.PROT_READ), dtype=np.float32)
    os.close(descriptor)
    for line in sys.stdin:
        print(handle_request(WriteRequest.model_validate_json(line), memory).model_dump_json(by_alias=True), flush=True)


if __name__ == "__main__":
    main()
