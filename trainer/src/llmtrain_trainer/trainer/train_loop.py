"""The training loop of one generation: state synchronization, steps, evaluation, checkpoints, reports."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

import torch

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import BadStepInfo, GenerationStart, Progress, TimeSpent
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.checkpointer import NOT_EVALUATED, Checkpointer, CheckpointScores
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.errors import Diverged
from llmtrain_trainer.models.flops import mfu
from llmtrain_trainer.trainer.peak_flops import peak_flops
from llmtrain_trainer.trainer.state_sync import sync_state
from llmtrain_trainer.trainer.throughput import ThroughputMeter
from llmtrain_trainer.training.bad_steps import BadStep
from llmtrain_trainer.training.best_so_far import ranking_value, require_score
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.task import PingWatchdog
from llmtrain_trainer.training.train_state import StepResult, TrainState

REMEDY = (
    "create a new job with a lower spec.training.optimizer.learningRate, more spec.training.warmupSteps or a lower "
    "spec.training.clipNorm"
)


class GenerationGroup(Collectives, Protocol):
    """The ranks of one generation."""

    generation: int

    def barrier(self) -> None:
        """Wait until all ranks have called this."""


class LoopExit(Enum):
    """Why the loop of a generation ended. The state stays in this rank's memory in every case."""

    FINISHED = "finished"
    LEFT = "left"
    """The membership changed: join the next generation."""
    STOPPED = "stopped"
    """This process was asked to stop."""


@dataclass(frozen=True, kw_only=True)
class LoopCallbacks:
    """What the loop calls between two steps. No callback waits."""

    stop_votes: Callable[[], StopVotes]
    """Returns whether this rank votes to leave or to stop."""
    stop_requested: Callable[[], bool]
    """Returns whether this process was asked to stop."""
    after_step: Callable[[int, float | None], None]
    """Takes the steps done, and the device time of the last one in seconds if this process did it."""
    report: Callable[[Progress], None]
    """Takes the progress after each step, on rank 0."""
    report_final: Callable[[Progress], None]
    """Takes the progress of the last step again, with the checkpoint written after it."""


@dataclass(kw_only=True)
class TrainLoop:
    """Trains in one generation. Rank 0 alone saves checkpoints and reports progress."""

    config: RunConfig
    state: TrainState
    checkpoints: CheckpointStore
    checkpointer: Checkpointer
    group: GenerationGroup
    callbacks: LoopCallbacks
    log: JsonLog
    started_at: float
    """When the generation started, in monotonic seconds."""
    ping_watchdog: PingWatchdog = lambda: None
    _time_spent: TimeSpent = field(default_factory=TimeSpent, init=False)
    _held_out_loss: float | None = field(default=None, init=False)
    _held_out_step: int | None = field(default=None, init=False)
    _bad_step: BadStep | None = field(default=None, init=False)
    """The newest bad step of this generation."""

    def __post_init__(self) -> None:
        self._is_main = self.group.rank == 0
        self.log = self.log if self._is_main else self.log.quiet()

    def run(self) -> LoopExit:
        """Synchronize the state, then train until the last step, a stop, or another membership.

        Diverged if there are too many bad steps.
        """
        self._sync_state()
        self._evaluate_and_checkpoint(StopVotes())
        self._throughput = ThroughputMeter(steps=self.config.training.total_steps, now=time.monotonic())
        result = None
        while self.state.ending is None:
            first, result = result is None, self._train_step()
            if first:
                self.log.info(TrainerEvent.FIRST_STEP, step=self.state.step, ranks=self.group.size)
            if result.bad_step is not None:
                self._on_bad_step(result.bad_step, result)
            self.callbacks.after_step(self.state.step, self.state.compute_seconds)
            self._evaluate_and_checkpoint(result.votes)
            self._report(result)
            if result.votes.any:
                break
        if result is not None:
            self._finish_checkpoint(result)
        return self._exit_reason()

    def _sync_state(self) -> None:
        self.checkpointer.wait_for_snapshot()
        source = sync_state(self.state, self.checkpoints, self.group, self.log)
        seconds = time.monotonic() - self.started_at
        self._generation_start = GenerationStart(step=self.state.step, source=source, seconds=seconds)
        self.callbacks.after_step(self.state.step, None)

    def _train_step(self) -> StepResult:
        """Do one step. The first one of a process compiles; any step can wait for the previous snapshot."""
        started_at, warmed_up, checkpoint_before = time.monotonic(), self.state.warmed_up, self._time_spent.checkpoint
        result = self.state.train_step(self.group, self.callbacks.stop_votes(), self._wait_for_snapshot)
        waited = self._time_spent.checkpoint - checkpoint_before
        if not warmed_up:
            self._add_time("compiling", time.monotonic() - started_at - waited)
        self._throughput.after_step(time.monotonic(), result.tokens)
        return result

    def _on_bad_step(self, bad_step: BadStep, result: StepResult) -> None:
        """Report a step that was not applied, and do what the job wants then. Diverged if that is to end it."""
        self._bad_step = bad_step
        self.log.warning(
            TrainerEvent.BAD_STEP,
            step=bad_step.step,
            microbatch=bad_step.microbatch,
            loss=bad_step.loss,
            gradient_norm=bad_step.gradient_norm,
            consecutive=self.state.bad_steps.consecutive,
        )
        training = self.config.training
        if training.on_bad_step == "Stop" or self.state.bad_steps.consecutive >= training.bad_steps:
            self._finish_checkpoint(result)
            raise Diverged(self._diverged_message(bad_step))
        if training.on_bad_step == "Rollback":
            self._roll_back()

    def _diverged_message(self, bad_step: BadStep) -> str:
        training, count = self.config.training, self.state.bad_steps.consecutive
        why = "spec.training.onBadStep is Stop" if training.on_bad_step == "Stop" else f"bad step {count} in a row"
        return f"the training diverged: {bad_step.message} ({why}); checkpoints from before are kept; {REMEDY}"

    def _roll_back(self) -> None:
        """Restore the newest checkpoint on all ranks, and pass over the data of the steps since then."""
        step, bad_steps = self.state.step, self.state.bad_steps
        self.checkpointer.wait()
        self.state.mark_incomplete()
        sync_state(self.state, self.checkpoints, self.group, self.log)
        self.state.bad_steps = bad_steps.after_rollback(step, self.state.step)
        self.log.warning(TrainerEvent.ROLLED_BACK, step=step, restored_step=self.state.step)

    def _wait_for_snapshot(self) -> None:
        started_at = time.monotonic()
        self.checkpointer.wait_for_snapshot()
        self._add_time("checkpoint", time.monotonic() - started_at)

    def _evaluate_and_checkpoint(self, votes: StopVotes) -> None:
        """Evaluate and save the state, if this step is due for it.

        A generation that starts at such a step does it too: the previous one may have ended before it was done. The state
        after a bad step is that before it: it is saved only if training ends with it. Diverged if it is not finite.
        """
        step, last = self.state.step, self.config.training.total_steps
        if step == 0:
            return
        scores, better = NOT_EVALUATED, False
        if step % self.config.evaluation.every_steps == 0 or step == last:
            scores = self._evaluate()
            better = self.config.evaluation.stop_after is not None and self.state.best_so_far.step == step
        due = step % self.config.checkpoint.every_steps == 0 or votes.stop or better
        if self.state.ending is not None or (due and not self.state.bad_steps.consecutive):
            if not self.state.is_finite:
                raise Diverged(f"the training diverged: weights or moments are not finite after step {step}; {REMEDY}")
            self._save(scores, required=better)

    def _evaluate(self) -> CheckpointScores:
        """Return how good the state is. One after a bad step is that before it, and is not compared with others."""
        started_at = time.monotonic()
        with self.state.average.in_use():
            judgement = self.state.task.evaluate(self.group, self.ping_watchdog)
        if judgement is None:
            return NOT_EVALUATED
        seconds = time.monotonic() - started_at
        self._add_time("evaluating", seconds)
        self._held_out_loss, self._held_out_step = judgement.loss, self.state.step
        scores = {name: round(value, 4) for name, value in judgement.scores.items()}
        self.log.info(
            TrainerEvent.EVALUATED,
            step=self.state.step,
            held_out_loss=round(judgement.loss, 4),
            seconds=round(seconds, 2),
            **({"scores": scores} if scores else {}),
        )
        if self.state.bad_steps.consecutive:
            return NOT_EVALUATED
        self.state.record_evaluation(judgement)
        evaluation = self.config.evaluation
        require_score(judgement, evaluation)
        value = ranking_value(judgement, evaluation)
        if evaluation.stop_after is not None:
            self.state.best_so_far = self.state.best_so_far.after(self.state.step, value)
        return CheckpointScores(
            held_out_loss=judgement.loss, ranking_value=None if evaluation.best == "loss" else value
        )

    def _save(self, scores: CheckpointScores, *, required: bool) -> None:
        """Start to save the state. The training waits for a required checkpoint: it may be published."""
        if self._is_main:
            started_at = time.monotonic()
            self.checkpointer.save(scores)
            if required:
                self.checkpointer.require_saved()
            self._add_time("checkpoint", time.monotonic() - started_at)

    def _finish_checkpoint(self, result: StepResult) -> None:
        """Wait for the checkpoint that is being written, and report it: no other report follows."""
        started_at = time.monotonic()
        self.checkpointer.wait()
        self._add_time("checkpoint", time.monotonic() - started_at)
        if self._is_main:
            self.callbacks.report_final(self._progress(result))

    def _exit_reason(self) -> LoopExit:
        if self.state.ending is not None:
            if self._is_main:
                self.checkpointer.require_saved()
            self.group.barrier()  # no rank leaves before the last checkpoint exists
            return LoopExit.FINISHED
        return LoopExit.STOPPED if self.callbacks.stop_requested() else LoopExit.LEFT

    def _add_time(self, category: Literal["compiling", "evaluating", "checkpoint"], seconds: float) -> None:
        """Count time that was spent on something other than steps."""
        before = float(getattr(self._time_spent, category))
        self._time_spent = self._time_spent.model_copy(update={category: before + seconds})

    def _report(self, result: StepResult) -> None:
        if not self._is_main:
            return
        if self._throughput.should_log(self.state.step, time.monotonic()):
            self.log.info(
                TrainerEvent.STEP,
                step=self.state.step,
                steps=self.config.training.total_steps,
                loss=round(result.loss, 4),
                learning_rate=result.learning_rate,
                gradient_norm=round(result.gradient_norm, 4),
                tokens_per_second=round(self._throughput.tokens_per_second),
            )
        self.callbacks.report(self._progress(result))

    def _progress(self, result: StepResult) -> Progress:
        tokens_per_second = self._throughput.tokens_per_second
        return Progress(
            generation=self.group.generation,
            step=self.state.step,
            steps=self.config.training.total_steps,
            loss=result.loss,
            learning_rate=result.learning_rate,
            gradient_norm=result.gradient_norm,
            tokens=self.state.step * result.tokens,
            tokens_per_second=tokens_per_second,
            mfu=mfu(tokens_per_second, self.state.task.flops_per_token, self._peak_flops()),
            held_out_loss=self._held_out_loss,
            held_out_step=self._held_out_step,
            bad_steps=self.state.bad_steps.count,
            bad_step=self._bad_step
            and BadStepInfo(
                step=self._bad_step.step, microbatch=self._bad_step.microbatch, message=self._bad_step.message
            ),
            checkpoint=self.checkpointer.latest,
            checkpoint_write=self.checkpointer.latest_stats,
            checkpoint_error=self.checkpointer.error[:512],
            generation_start=self._generation_start,
            time_spent=self._time_spent,
        )

    def _peak_flops(self) -> float | None:
        """Return the peak FLOP/s of all ranks' devices together; None if unknown."""
        if self.state.device.type != "cuda":
            return None
        peak = peak_flops(torch.cuda.get_device_name(self.state.device), self.config.training.precision)
        return peak * self.group.size if peak else None
