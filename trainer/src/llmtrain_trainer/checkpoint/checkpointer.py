"""Saves checkpoints: the state is copied to memory shared with a writer process while the next step computes.

The state changes only at the end of a step. If the copy is not complete by then, the step waits for it.
"""

import mmap
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_api.run_config import RunConfig
from llmtrain_api.timestamps import now_rfc3339
from llmtrain_trainer.checkpoint.backoff import Backoff
from llmtrain_trainer.checkpoint.checkpointable import Checkpointable
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.checkpoint.manifest import Manifest
from llmtrain_trainer.checkpoint.store import STATE_FILES, CheckpointStore
from llmtrain_trainer.checkpoint.writer_protocol import TensorSlice, WriteRequest, WriteResult
from llmtrain_trainer.errors import Fenced, TrainerError
from llmtrain_trainer.fault_points import fault_point

PING_SECONDS = 1.0
"""Time between two pings of the watchdog while waiting for the writer."""


@dataclass(frozen=True, kw_only=True)
class CheckpointScores:
    """How good a state is on held-out data."""

    held_out_loss: float | None = None
    """None if it was not evaluated."""
    ranking_value: float | None = None
    """What checkpoints are compared by, the lowest is the best; None for the held-out loss."""


NOT_EVALUATED = CheckpointScores()


class Checkpointer:
    """Saves checkpoints of one training state. One is written at a time; the next one waits for it."""

    def __init__(
        self,
        state: Checkpointable,
        checkpoints: CheckpointStore,
        run: RunConfig,
        *,
        data_name: str,
        log: JsonLog,
        ping_watchdog: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
    ) -> None:
        self._state, self._checkpoints, self._run, self._data_name = state, checkpoints, run, data_name
        self._log, self._ping_watchdog, self._backoff = log, ping_watchdog, backoff or Backoff()
        self._idle, self._copied = threading.Event(), threading.Event()
        self._idle.set()
        self._copied.set()
        self._writer: subprocess.Popen[str] | None = None
        self._memory = torch.empty(0)
        self.latest: CheckpointInfo | None = None
        """The newest checkpoint that this process has saved."""
        self.latest_stats: CheckpointWriteStats | None = None
        """How it was written."""
        self.error = ""
        """Why the newest attempt failed; empty if it succeeded."""
        self._fenced = False
        self._term = 0
        self._scores = NOT_EVALUATED

    def acquire_fence(self, term: int) -> None:
        """Save checkpoints for a coordinator's term from now on. Fenced if a newer coordinator trains this job.

        VolumeUnreadable if the volume answers with errors for longer than the back-off allows.
        """
        self._checkpoints.retry(lambda: acquire_fence(self._checkpoints.job_directory, term), self._ping_watchdog)
        self._term = term

    def save(self, scores: CheckpointScores = NOT_EVALUATED) -> None:
        """Start to save the current state. `scores` are those of this state.

        The writer keeps a complete checkpoint of this step if there is one, and replaces a damaged one.
        """
        step = self._state.step
        if self._checkpoints.is_verified(step):
            return
        self._scores = scores
        started_at = time.monotonic()
        self.wait()
        if self._fenced:
            raise Fenced(self.error)
        self._ensure_writer()
        self._copied.clear()
        self._idle.clear()
        threading.Thread(
            target=self._copy_state,
            args=(step, self._state.counters, self._state.history, scores),
            name="snapshot",
            daemon=True,
        ).start()
        self._log.info(TrainerEvent.SNAPSHOT_TAKEN, step=step, seconds=round(time.monotonic() - started_at, 4))

    def wait_for_snapshot(self) -> None:
        """Wait until no snapshot is being copied, so that the state can change."""
        self._copied.wait()

    def wait(self) -> None:
        """Wait until nothing is being written. A slow volume does not trigger the watchdog."""
        while not self._idle.wait(PING_SECONDS):
            self._ping_watchdog()

    def require_saved(self) -> None:
        """Wait for the checkpoint of the current step, and try again if it could not be written.

        TrainerError if it can't be written for as long as the back-off allows. The state must not change here.
        """
        step = self._state.step
        for _ in self._backoff.attempts(self._ping_watchdog):
            self.wait()
            if self._checkpoints.is_verified(step):
                return
            self.save(self._scores)
        self.wait()
        if not self._checkpoints.is_verified(step):
            raise TrainerError(
                f"checkpoint {self._checkpoints.path(step).name} could not be written in "
                f"{self._backoff.limit_seconds:.0f} s: {self.error or 'it cannot be read back'}"
            )

    @property
    def outcome(self) -> str:
        """Whether there is a checkpoint of the state that was saved last, as the end of a sentence."""
        return f"but without a checkpoint: {self.error}" if self.error else "with a checkpoint"

    def close(self) -> None:
        """Stop the writer after what it is writing."""
        if self._writer is not None:
            assert self._writer.stdin is not None
            self._writer.stdin.close()
            self._results_reader.join()
            assert self._writer.stdout is not None
            self._writer.stdout.close()
            self._writer.wait()
            self._writer = None

    def _ensure_writer(self) -> None:
        """Start a writer unless one is running."""
        if self._writer is not None and self._writer.poll() is not None:
            self.close()
        if self._writer is None:
            self._writer = self._start_writer()
            self._results_reader = threading.Thread(
                target=self._read_results, args=(self._writer,), name="checkpoint-results", daemon=True
            )
            self._results_reader.start()

    def _start_writer(self) -> "subprocess.Popen[str]":
        """Start a writer that shares memory for the whole state. A memory file has no name and no size limit."""
        size_bytes = 4 * sum(buffer.numel() for buffer in self._state.buffers.values())
        descriptor = os.memfd_create("llmtrain-snapshot")
        os.ftruncate(descriptor, size_bytes)
        self._memory = torch.frombuffer(mmap.mmap(descriptor, size_bytes), dtype=torch.float32)
        command = [sys.executable, "-m", "llmtrain_trainer.checkpoint.writer", str(descriptor), str(size_bytes)]
        writer = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[descriptor], text=True
        )
        os.close(descriptor)
        return writer

    def _copy_state(self, step: int, counters: dict[str, int], history: History, scores: CheckpointScores) -> None:
        """Take the snapshot, let training change the state again, and request the write."""
        try:
            fault_point("snapshot")
            offset = 0
            for buffer in self._state.buffers.values():
                self._memory[offset : offset + buffer.numel()].copy_(buffer)
                offset += buffer.numel()
        except RuntimeError as error:  # such as a device error
            self._on_result(WriteResult(step=step, seconds=0.0, error=f"the state cannot be copied: {error}"))
            return
        finally:
            self._copied.set()
        self._request_write(self._manifest(step, counters, history, scores))

    def _request_write(self, manifest: Manifest) -> None:
        fault_point("write_request")
        request = WriteRequest(
            job_directory=str(self._checkpoints.job_directory),
            term=self._term,
            keep_last=self._run.checkpoint.keep_last,
            keep_best=self._run.checkpoint.keep_best,
            manifest=manifest,
            slices=tensor_slices(self._state),
        )
        assert self._writer is not None
        assert self._writer.stdin is not None
        try:
            self._writer.stdin.write(request.model_dump_json(by_alias=True) + "\n")
            self._writer.stdin.flush()
        except OSError as error:
            step = manifest.step
            self._on_result(WriteResult(step=step, seconds=0.0, error=f"the checkpoint writer has exited: {error}"))

    def _manifest(self, step: int, counters: dict[str, int], history: History, scores: CheckpointScores) -> Manifest:
        return Manifest(
            step=step,
            time=now_rfc3339(),
            job=self._run.job,
            dataset=self._data_name,
            parameters=self._state.num_parameters,
            numerics=self._state.numerics,
            counters=counters,
            history=dict(history),
            identity=self._state.identity,
            files={},
            held_out_loss=scores.held_out_loss,
            ranking_value=scores.ranking_value,
        )

    def _read_results(self, writer: "subprocess.Popen[str]") -> None:
        assert writer.stdout is not None
        for line in writer.stdout:
            self._on_result(WriteResult.model_validate_json(line))
        if not self._idle.is_set():
            self._on_result(WriteResult(step=-1, seconds=0.0, error="the checkpoint writer exited unexpectedly"))

    def _on_result(self, result: WriteResult) -> None:
        if result.checkpoint is not None:
            self._checkpoints.mark_verified(result.step)
            self.latest, self.latest_stats, self.error = result.checkpoint, result.stats or self.latest_stats, ""
            seconds = round(result.seconds, 2)
            self._log.info(
                TrainerEvent.CHECKPOINT_SAVED, step=result.step, seconds=seconds, path=result.checkpoint.path
            )
        else:
            self.error, self._fenced = result.error, result.fenced
            self._log.warning(TrainerEvent.CHECKPOINT_FAILED, step=result.step, message=result.error)
        self._idle.set()


def tensor_slices(state: Checkpointable) -> list[TensorSlice]:
    """Return the place of each tensor when the buffers of the state lie one after the other."""
    slices, offset = [], 0
    for key, tensor in state.state_dict().items():
        slices.append(_tensor_slice(key, offset, tensor))
        offset += tensor.numel()
    return slices


def _tensor_slice(key: str, offset: int, tensor: Tensor) -> TensorSlice:
    """Return the slice of the tensor `key`: weights have a file of their own, where they have no prefix."""
    buffer, _, name = key.partition("/")
    is_weight = buffer == "weight"
    file = STATE_FILES["weight" if is_weight else "optimizer"]
    return TensorSlice(file=file, name=name if is_weight else key, offset=offset, shape=list(tensor.shape))
