"""The loop of one generation: from the newest state that a member has to the end, a stop, or another membership."""

import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import torch

from llmtrain_api.protocol import GenerationStart, Progress, TimeSpent
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.distributed.process_group import ProcessGroup
from llmtrain_trainer.log import Log
from llmtrain_trainer.models.flops import mfu
from llmtrain_trainer.trainer.peak_flops import peak_flops
from llmtrain_trainer.trainer.state_sync import sync_state
from llmtrain_trainer.trainer.throughput import ThroughputMeter
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import StepResult, TrainState

Evaluator = Callable[[Collectives], float]
"""Returns the held-out loss, the same on all ranks."""


class LoopExit(Enum):
    """Why the loop of a generation ended. The state is in this rank's memory each time."""

    FINISHED = "finished"
    LEFT = "left"
    """The membership changed: join the next generation."""
    STOPPED = "stopped"


class LoopCallbacks(Protocol):
    """What the loop asks and tells between two steps. Nothing here waits."""

    def wishes(self) -> StopVotes:
        """Return whether this rank wants to leave or stop."""

    def stopping(self) -> bool:
        """Return whether this very process was asked to stop."""

    def after_step(self, step: int, work_seconds: float | None = None) -> None:
        """Take note that `step` steps are done, and what the microbatches of the last one took."""

    def report(self, progress: Progress) -> None:
        """Tell the coordinator and TensorBoard, when there is time."""

    def report_final(self, progress: Progress) -> None:
        """Tell the coordinator more of a step that was reported."""


class TrainLoop:
    """Trains in one generation, which began at `began_at` (monotonic seconds). Only its first rank writes and reports."""

    def __init__(
        self,
        run: RunConfig,
        learner: TrainState,
        judge: Evaluator | None,
        checkpoints: CheckpointStore,
        keeper: Checkpointer,
        group: ProcessGroup,
        surroundings: LoopCallbacks,
        log: Log,
        began_at: float,
    ) -> None:
        self._run, self._learner, self._judge = run, learner, judge
        self._checkpoints, self._keeper, self._group, self._surroundings = checkpoints, keeper, group, surroundings
        self._first = group.rank == 0
        self._log = log if self._first else log.quiet()
        self._held_out_loss: float | None = None
        self._held_out_step: int | None = None
        self._began_at = began_at
        self._spent = TimeSpent()
        self._flops_of_all = _peak_of(learner.device, run.training.precision, group.size)

    def train(self) -> LoopExit:
        """Take the state over, then step until there is a reason not to."""
        learner, steps = self._learner, self._run.training.steps
        source = sync_state(learner, self._checkpoints, self._group, self._log)
        self._began = GenerationStart(step=learner.step, source=source, seconds=time.monotonic() - self._began_at)
        self._surroundings.after_step(learner.step)
        self._evaluate_and_checkpoint(StopVotes())
        stepped = False
        pace = ThroughputMeter(steps=steps, now=time.monotonic())
        while learner.step < steps:
            result = self._learn()
            pace.after_step(time.monotonic(), result.tokens)
            if not stepped:
                self._log.info("firstStep", step=learner.step, ranks=self._group.size)
            stepped = True
            self._surroundings.after_step(learner.step, learner.work_seconds)
            self._evaluate_and_checkpoint(result.wishes)
            if self._first:
                self._report(result, pace)
            if result.wishes.leave or result.wishes.stop:
                break
        if stepped:
            self._finish_checkpoint(result, pace)
        return self._ending()

    def _learn(self) -> StepResult:
        """Do a step. The first of a process compiles; any may have to wait for the snapshot of the one before."""
        began, learner = time.monotonic(), self._learner
        result = learner.train_step(self._group, self._surroundings.wishes())
        self._add_time("checkpoint", learner.snapshot_wait_seconds)
        if not learner.warmed_up:
            self._add_time("compiling", time.monotonic() - began - learner.snapshot_wait_seconds)
            learner.warmed_up = True
        return result

    def _finish_checkpoint(self, result: StepResult, pace: ThroughputMeter) -> None:
        """Wait for the checkpoint that is being written, and tell of it: nobody reports after this."""
        began = time.monotonic()
        self._keeper.wait()
        self._add_time("checkpoint", time.monotonic() - began)
        if self._first:
            self._surroundings.report_final(self._progress(result, pace))

    def _ending(self) -> LoopExit:
        if self._learner.step == self._run.training.steps:
            if self._first:
                self._keeper.require_saved()
            self._group.barrier()  # the last checkpoint is there before anyone goes
            return LoopExit.FINISHED
        return LoopExit.STOPPED if self._surroundings.stopping() else LoopExit.LEFT

    def _evaluate_and_checkpoint(self, wishes: StopVotes) -> None:
        """Evaluate and keep the state, if this step is one after which that is done.

        A generation that begins at such a step does it too: the one before may have ended in the middle.
        """
        step, last = self._learner.step, self._run.training.steps
        evaluated = step > 0 and (step % self._run.evaluation.every_steps == 0 or step == last)
        if evaluated and self._judge is not None:
            self._held_out_loss, self._held_out_step = self._evaluate(self._judge), step
        due = step % self._run.checkpoint.every_steps == 0 or step == last or wishes.stop
        if step and due and self._first:
            began = time.monotonic()
            self._keeper.save(self._held_out_loss if evaluated else None)
            self._add_time("checkpoint", time.monotonic() - began)

    def _evaluate(self, judge: Evaluator) -> float:
        started = time.monotonic()
        loss = judge(self._group)
        seconds = time.monotonic() - started
        self._add_time("evaluating", seconds)
        self._log.info("evaluation", step=self._learner.step, held_out_loss=round(loss, 4), seconds=round(seconds, 2))
        return loss

    def _mfu(self, tokens_per_second: float) -> float | None:
        """Return the model's part of what the chips of all ranks could do at best."""
        return mfu(tokens_per_second, self._learner.flops_per_token, self._flops_of_all)

    def _add_time(self, kind: str, seconds: float) -> None:
        """Note that some time went into something beside steps."""
        before = float(getattr(self._spent, kind))
        self._spent = self._spent.model_copy(update={kind: before + seconds})

    def _report(self, result: StepResult, pace: ThroughputMeter) -> None:
        step, steps = self._learner.step, self._run.training.steps
        if pace.should_log(step, time.monotonic()):
            self._log.info(
                "step",
                step=step,
                steps=steps,
                loss=round(result.loss, 4),
                learning_rate=result.learning_rate,
                gradient_norm=round(result.gradient_norm, 4),
                tokens_per_second=round(pace.tokens_per_second),
            )
        self._surroundings.report(self._progress(result, pace))

    def _progress(self, result: StepResult, pace: ThroughputMeter) -> Progress:
        return Progress(
            generation=self._group.generation,
            step=self._learner.step,
            steps=self._run.training.steps,
            loss=result.loss,
            learning_rate=result.learning_rate,
            gradient_norm=result.gradient_norm,
            tokens=self._learner.step * result.tokens,
            tokens_per_second=pace.tokens_per_second,
            mfu=self._mfu(pace.tokens_per_second),
            held_out_loss=self._held_out_loss,
            held_out_step=self._held_out_step,
            checkpoint=self._keeper.latest,
            checkpoint_write=self._keeper.written,
            checkpoint_error=self._keeper.error[:512],
            generation_start=self._began,
            time_spent=self._spent,
        )


def _peak_of(device: torch.device, precision: str, ranks: int) -> float | None:
    """Return the operations a second of all ranks' chips at their best; None if they aren't known."""
    peak = peak_flops(torch.cuda.get_device_name(device), precision) if device.type == "cuda" else None
    return peak * ranks if peak else None
