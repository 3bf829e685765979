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

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_trainer.atomic_directory import atomic_directory, remove_stale
from llmtrain_trainer.checkpoint.fence import check_fence
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, FileDigest, Manifest, digest_file, read_manifest
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.checkpoint.writer_protocol import WriteRequest, WriteResult
from llmtrain_trainer.errors import Fenced
from llmtrain_trainer.fault_points import fault_point

Memory = NDArray[np.float32]


def handle_request(request: WriteRequest, memory: Memory, checkpoints: CheckpointStore | None = None) -> WriteResult:
    """Write one checkpoint, unless it is complete already, and prune old ones. An error costs this checkpoint only.

    `checkpoints` remembers between requests which checkpoints are complete.
    """
    started_at = time.monotonic()
    checkpoints = checkpoints or _open_store(request)
    step = request.manifest.step
    try:
        if checkpoints.is_complete(step):
            manifest, stats = read_manifest(checkpoints.path(step)), None
        else:
            manifest = _write_checkpoint(request, checkpoints, memory)
            stats = _write_stats(manifest, checkpoints.root, time.monotonic() - started_at)
    except Fenced as error:
        return WriteResult(step=step, seconds=time.monotonic() - started_at, error=str(error), fenced=True)
    except (OSError, SafetensorError) as error:
        message = disk_full_message(error, checkpoints.root) or str(error)
        return WriteResult(step=step, seconds=time.monotonic() - started_at, error=message)
    _prune(request, checkpoints)
    checkpoint = CheckpointInfo(step=step, time=manifest.time, path=str(checkpoints.path(step)))
    return WriteResult(step=step, seconds=time.monotonic() - started_at, checkpoint=checkpoint, stats=stats)


def _open_store(request: WriteRequest) -> CheckpointStore:
    """Return the store of a request. Standard output is for results, so its log is on standard error."""
    return CheckpointStore(
        job_directory=Path(request.job_directory), log=JsonLog(stream=sys.stderr, min_level="warning")
    )


def _prune(request: WriteRequest, checkpoints: CheckpointStore) -> None:
    """Record that there is a checkpoint, and remove old ones. An error costs nothing: the next checkpoint does it."""
    step = request.manifest.step
    try:
        checkpoints.mark_verified(step)
        checkpoints.record_saved(step)
        checkpoints.prune(keep_last=request.keep_last, keep_best=request.keep_best)
    except OSError as error:
        checkpoints.log.warning(TrainerEvent.CHECKPOINTS_NOT_PRUNED, step=step, message=str(error))


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
    checkpoints: CheckpointStore | None = None
    for line in sys.stdin:
        request = WriteRequest.model_validate_json(line)
        checkpoints = checkpoints or _open_store(request)
        print(handle_request(request, memory, checkpoints).model_dump_json(by_alias=True), flush=True)


if __name__ == "__main__":
    main()
