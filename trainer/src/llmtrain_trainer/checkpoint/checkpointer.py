"""State to checkpoint: it is copied to memory that a writer shares, while the next step computes its gradients.

The state changes only at the end of a step. If the copy isn't complete by then, the step waits for it.
"""

import mmap
import os
import subprocess
import sys
import threading
import time

import torch
from torch import Tensor

from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.checkpoint.manifest import Manifest
from llmtrain_trainer.checkpoint.store import STATE_FILES, CheckpointStore
from llmtrain_trainer.checkpoint.writer_protocol import TensorSlice, WriteRequest, WriteResult
from llmtrain_trainer.errors import Fenced, TrainerError
from llmtrain_trainer.log import Log, timestamp
from llmtrain_trainer.training.train_state import TrainState

LOOK_SECONDS = 1.0


class Checkpointer:
    """Keeps checkpoints of one learner. One is written at a time; the next waits for it."""

    def __init__(
        self, learner: TrainState, checkpoints: CheckpointStore, run: RunConfig, dataset: str, log: Log
    ) -> None:
        self._learner, self._checkpoints, self._run, self._dataset, self._log = learner, checkpoints, run, dataset, log
        self._idle = threading.Event()
        self._idle.set()
        self._writer: subprocess.Popen[str] | None = None
        self._memory = torch.empty(0)
        self._copied = threading.Event()
        self._copied.set()
        learner.wait_for_snapshot = self._copied.wait
        self.latest: CheckpointInfo | None = None
        """The newest checkpoint that this process wrote."""
        self.written: CheckpointWriteStats | None = None
        """How it was written."""
        self.error = ""
        """Why the newest attempt failed, if it did."""
        self._superseded = False
        self._term = 0

    def save(self, held_out_loss: float | None = None) -> None:
        """Begin the checkpoint of this step, unless it is there already. The loss is that of this very state."""
        step = self._learner.step
        if (self.latest and self.latest.step == step) or self._checkpoints.path(step).exists():
            return
        began = time.monotonic()
        self.wait()
        if self._superseded:
            raise Fenced(self.error)
        if self._writer is not None and self._writer.poll() is not None:
            self.close()
        if self._writer is None:
            self._start()
        self._copied.clear()
        self._idle.clear()
        threading.Thread(target=self._copy, args=(step, held_out_loss), name="snapshot", daemon=True).start()
        self._log.info("snapshot", step=step, seconds=round(time.monotonic() - began, 4))

    def _copy(self, step: int, held_out_loss: float | None) -> None:
        """Take the snapshot, let the training change the state again, and have the snapshot written."""
        try:
            self._snapshot()
        except RuntimeError as error:  # such as one of the device
            self._heard(WriteResult(step=step, seconds=0.0, error=f"the state can't be copied: {error}"))
            return
        finally:
            self._copied.set()
        self._order(step, held_out_loss)

    def claim(self, term: int) -> None:
        """Keep checkpoints for a coordinator's term from now on; Superseded if a newer one trains this job."""
        acquire_fence(self._checkpoints.job_directory, term)
        self._term = term

    def wait(self) -> None:
        """Wait until nothing is being written. A slow volume is no fault of this rank."""
        while not self._idle.wait(LOOK_SECONDS):
            self._learner.ping_watchdog()

    def require_saved(self) -> None:
        """Wait for the checkpoint of this step; TrainerError if it could not be written."""
        self.wait()
        path = self._checkpoints.path(self._learner.step)
        if not path.exists():
            raise TrainerError(f"checkpoint {path.name} could not be written; see checkpointFailed in the log")

    def close(self) -> None:
        """Let the writer end, after what it is writing."""
        if self._writer is not None:
            assert self._writer.stdin is not None
            self._writer.stdin.close()
            self._hearing.join()
            assert self._writer.stdout is not None
            self._writer.stdout.close()
            self._writer.wait()
            self._writer = None

    def _start(self) -> None:
        """Start a writer with memory for the whole state; a memory file has no name and no limit of its own."""
        elements = sum(part.numel() for part in self._learner.parts.values())
        descriptor = os.memfd_create("llmtrain-snapshot")
        os.ftruncate(descriptor, elements * 4)
        shared = mmap.mmap(descriptor, elements * 4)
        self._memory = torch.frombuffer(shared, dtype=torch.float32)
        command = [sys.executable, "-m", "llmtrain_trainer.checkpoint.writer", str(descriptor), str(elements * 4)]
        self._writer = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[descriptor], text=True
        )
        os.close(descriptor)
        self._hearing = threading.Thread(target=self._hear, args=(self._writer,), name="keeper", daemon=True)
        self._hearing.start()

    def _snapshot(self) -> None:
        offset = 0
        for part in self._learner.parts.values():
            self._memory[offset : offset + part.numel()].copy_(part)
            offset += part.numel()

    def _order(self, step: int, held_out_loss: float | None) -> None:
        manifest = Manifest(
            step=step,
            time=timestamp(),
            job=self._run.job,
            dataset=self._dataset,
            parameters=self._learner.parameters.elements,
            numerics=self._learner.numerics,
            files={},
            held_out_loss=held_out_loss,
        )
        order = WriteRequest(
            job_directory=str(self._checkpoints.job_directory),
            term=self._term,
            keep_last=self._run.checkpoint.keep_last,
            keep_best=self._run.checkpoint.keep_best,
            manifest=manifest,
            places=places(self._learner),
        )
        assert self._writer is not None
        assert self._writer.stdin is not None
        try:
            self._writer.stdin.write(order.model_dump_json(by_alias=True) + "\n")
            self._writer.stdin.flush()
        except OSError as error:
            self._heard(WriteResult(step=step, seconds=0.0, error=f"the writer is gone: {error}"))

    def _hear(self, writer: "subprocess.Popen[str]") -> None:
        assert writer.stdout is not None
        for line in writer.stdout:
            self._heard(WriteResult.model_validate_json(line))
        if not self._idle.is_set():
            self._heard(WriteResult(step=-1, seconds=0.0, error="the writer died"))

    def _heard(self, done: WriteResult) -> None:
        if done.checkpoint is not None:
            self.latest, self.written, self.error = done.checkpoint, done.written, ""
            self._log.info("checkpoint", step=done.step, seconds=round(done.seconds, 2), path=done.checkpoint.path)
        else:
            self.error, self._superseded = done.error, done.superseded
            self._log.warning("checkpointFailed", step=done.step, message=done.error)
        self._idle.set()


def places(learner: TrainState) -> list[TensorSlice]:
    """Return where each tensor of the state is once the parts lie one after the other."""
    found, offset = [], 0
    for part, buffer in learner.parts.items():
        for name, tensor in learner.parameters.named(buffer).items():
            found.append(_place(part, name, offset, tensor))
            offset += tensor.numel()
    return found


def _place(part: str, name: str, offset: int, tensor: Tensor) -> TensorSlice:
    weight = part == "weight"
    file = STATE_FILES["weight" if weight else "optimizer"]
    return TensorSlice(file=file, name=name if weight else f"{part}/{name}", offset=offset, shape=list(tensor.shape))
