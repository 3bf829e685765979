"""`python -m llmtrain_trainer.checkpoint.writer DESCRIPTOR BYTES`: writes checkpoints while training continues.

The writer is a separate process so that it does not share the interpreter lock with training; it does not import torch.
Each checkpoint is written to a temporary directory, flushed and renamed, so that a crash at any point leaves the
previous checkpoint intact.
"""

import errno
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

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_trainer.atomic_directory import atomic_directory, remove_stale
from llmtrain_trainer.checkpoint.fence import check_fence
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, FileDigest, Manifest, digest_file
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.checkpoint.writer_protocol import WriteRequest, WriteResult
from llmtrain_trainer.errors import Fenced
from llmtrain_trainer.fault_points import fault_point

Memory = NDArray[np.float32]


def handle_request(request: WriteRequest, memory: Memory) -> WriteResult:
    """Write one checkpoint and prune old ones. An error costs this checkpoint only."""
    started_at = time.monotonic()
    checkpoints = CheckpointStore(job_directory=Path(request.job_directory), log=JsonLog(min_level="warning"))
    step = request.manifest.step
    try:
        manifest = _write_checkpoint(request, checkpoints, memory)
        checkpoints.prune(keep_last=request.keep_last, keep_best=request.keep_best)
    except Fenced as error:
        return WriteResult(step=step, seconds=time.monotonic() - started_at, error=str(error), fenced=True)
    except (OSError, SafetensorError) as error:
        message = disk_full_message(error, checkpoints.root) or str(error)
        return WriteResult(step=step, seconds=time.monotonic() - started_at, error=message)
    seconds = time.monotonic() - started_at
    checkpoint = CheckpointInfo(step=step, time=manifest.time, path=str(checkpoints.path(step)))
    stats = _write_stats(manifest, checkpoints.root, seconds)
    return WriteResult(step=step, seconds=seconds, checkpoint=checkpoint, stats=stats)


def _write_checkpoint(request: WriteRequest, checkpoints: CheckpointStore, memory: Memory) -> Manifest:
    remove_stale(checkpoints.root)
    with atomic_directory(checkpoints.path(request.manifest.step), replace=True) as directory:
        manifest = request.manifest.model_copy(update={"files": _write_files(request, memory, directory)})
        (directory / MANIFEST_FILE).write_text(manifest.model_dump_json(by_alias=True, indent=2))
        check_fence(checkpoints.job_directory, request.term)
    return manifest


def _write_files(request: WriteRequest, memory: Memory, directory: Path) -> dict[str, FileDigest]:
    files: dict[str, dict[str, Memory]] = {}
    for each in request.slices:
        tensor = memory[each.offset : each.offset + int(np.prod(each.shape))].reshape(each.shape)
        files.setdefault(each.file, {})[each.name] = tensor
    for file, tensors in files.items():
        save_file(tensors, directory / file)
    fault_point("write")
    return {file: digest_file(directory / file) for file in files}


def _write_stats(manifest: Manifest, volume: Path, seconds: float) -> CheckpointWriteStats | None:
    """Return size and duration of a checkpoint and the space left; None if the volume does not report its size."""
    try:
        usage = shutil.disk_usage(volume)
    except OSError:
        return None
    size_bytes = sum(file.size_bytes for file in manifest.files.values())
    return CheckpointWriteStats(
        seconds=seconds, size_bytes=size_bytes, volume_size_bytes=usage.total, volume_free_bytes=usage.free
    )


def disk_full_message(error: Exception, volume: Path) -> str | None:
    """Return a message with a remedy if `error` means that the volume is full (ENOSPC); None otherwise."""
    text = os.strerror(errno.ENOSPC)
    if getattr(error, "errno", None) != errno.ENOSPC and text not in str(error):
        return None
    return f"{text}: {volume}; enlarge the checkpoint volume, or lower spec.checkpoint.keepLast or keepBest"


def main() -> None:
    """Handle requests from standard input until it is closed."""
    from llmtrain_api.parent_death import die_with_parent

    die_with_parent()
    descriptor, size_bytes = int(sys.argv[1]), int(sys.argv[2])
    memory = np.frombuffer(mmap.mmap(descriptor, size_bytes, prot=mmap.PROT_READ), dtype=np.float32)
    os.close(descriptor)
    for line in sys.stdin:
        print(handle_request(WriteRequest.model_validate_json(line), memory).model_dump_json(by_alias=True), flush=True)


if __name__ == "__main__":
    main()
