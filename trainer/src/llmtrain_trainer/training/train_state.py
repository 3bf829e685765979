"""The training state, and the step that advances it."""

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.history import NO_HISTORY, TRAINING_LOSS, History, with_evaluation, with_number
from llmtrain_trainer.checkpoint.identity import job_identity
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.training.bad_steps import BadStep, BadStepCounts
from llmtrain_trainer.training.best_so_far import BestSoFar, ending
from llmtrain_trainer.training.determinism import numerics, seed_rng
from llmtrain_trainer.training.device_timer import DeviceTimer
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.lr_schedule import learning_rate
from llmtrain_trainer.training.optimizer import make_optimizer
from llmtrain_trainer.training.reduction import reduction
from llmtrain_trainer.training.reduction_tree import rank_range
from llmtrain_trainer.training.step_totals import StepTotals, StopVotes
from llmtrain_trainer.training.task import Judgement, PingWatchdog, Task, autocast
from llmtrain_trainer.training.weight_average import WeightAverage


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """The outcome of one step, the same on all ranks."""

    loss: float
    """Training loss in nats per token, or the task's loss per sample."""
    gradient_norm: float
    """Norm of the gradients before clipping."""
    learning_rate: float
    tokens: int
    votes: StopVotes
    """Whether any rank votes to leave or to stop after this step."""
    bad_step: BadStep | None = None
    """Why the step was not applied; None if it was."""


class TrainState:
    """Weights, their average, optimizer moments and the number of steps done: everything that training depends on.

    The state changes only in `reset`, `train_step` and while it is read from a checkpoint or received from another rank.
    The caller makes sure that no snapshot is being copied when one of them starts to change it.
    """

    def __init__(
        self, task: Task, run: RunConfig, device: torch.device, ping_watchdog: PingWatchdog = lambda: None
    ) -> None:
        self.task, self.training, self.device = task, run.training, device
        self.evaluation = run.evaluation
        self.step = 0
        """Steps done."""
        self.bad_steps = BadStepCounts()
        """The steps that were not applied."""
        self.best_so_far = BestSoFar()
        """The evaluations."""
        self.history: History = NO_HISTORY
        """Losses and scores by step."""
        self.complete = False
        """Whether this is the state after `step` steps, and not an uninitialized or partly received one."""
        self.warmed_up = False
        """Whether this process has done a step: the first one loads and compiles kernels."""
        self.numerics, self.exact = numerics(run), run.training.reduction == "Exact"
        self.identity = job_identity(run, task.identity)
        """What the weights after a step depend on, by the job's field."""
        self.parameters = FlatParameters(task.model, device)
        self.optimizer = make_optimizer(run.training.optimizer, self.parameters, device)
        self.average = WeightAverage(float(run.training.average), self.parameters, device)
        """What is judged and published."""
        self._ping_watchdog = ping_watchdog
        self._compute_timer = DeviceTimer(device)
        self._reduction = reduction(run.training.reduction, self.parameters, run.training.microbatches)

    @property
    def spec_field(self) -> str:
        """Field of the job that defines the network."""
        return self.task.spec_field

    @property
    def data_name(self) -> str:
        """Name of the training data."""
        return self.task.data_name

    def ping_watchdog(self) -> None:
        """Report that this rank makes progress."""
        self._ping_watchdog()

    @property
    def num_parameters(self) -> int:
        """Number of trained weights."""
        return self.parameters.elements

    @property
    def compute_seconds(self) -> float:
        """Time that this rank's device spent on the microbatches of the last step."""
        return self._compute_timer.seconds()

    @property
    def held_step(self) -> int | None:
        """Steps done by this state; None if it is not complete."""
        return self.step if self.complete else None

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The whole state as flat buffers (elements,) of float32, in the order of `state_dict`."""
        return {"weight": self.parameters.weights, **self.optimizer.buffers, **self.average.buffers}

    def state_dict(self) -> dict[str, Tensor]:
        """Return every tensor of the state, named `buffer/parameter`. They share memory with `buffers`."""
        return {
            f"{buffer_name}/{name}": tensor
            for buffer_name, buffer in self.buffers.items()
            for name, tensor in self.parameters.named(buffer).items()
        }

    @property
    def counters(self) -> dict[str, int]:
        """The numbers of the state besides its tensors and the number of steps done."""
        return {**self.bad_steps.counters(), **self.best_so_far.counters()}

    @property
    def ending(self) -> str | None:
        """How the training ended with this state; None if it has not."""
        return ending(self.step, self.training.total_steps, self.counters, self.evaluation)

    @property
    def is_finite(self) -> bool:
        """Whether every weight and moment is a finite number."""
        return all(bool(torch.isfinite(buffer.sum())) for buffer in self.buffers.values())

    def reset(self) -> None:
        """Set the state before the first step."""
        self.task.init_weights()
        for buffer in self.optimizer.buffers.values():
            buffer.zero_()
        self.average.reset()
        self.mark_complete(0, {})

    def record_evaluation(self, judgement: Judgement) -> None:
        """Record how good this state is in the history."""
        self.history = with_evaluation(self.history, self.step, judgement.loss, judgement.scores)

    def discard_gradients(self) -> None:
        """Use other memory for gradients from now on.

        A peer's bytes of a collective that was abandoned can still arrive, in the memory that the collective was given.
        """
        self.parameters.forget_gradient_buffers()
        self._reduction.discard_buffers()

    def mark_incomplete(self) -> None:
        """Declare that the buffers hold no usable state, because another rank's is about to be received."""
        self.complete = False

    def mark_complete(self, step: int, counters: Mapping[str, int], history: History = NO_HISTORY) -> None:
        """Declare that the buffers hold the state after `step` steps, to which `counters` and `history` belong."""
        self.step, self.bad_steps, self.complete = step, BadStepCounts.of(counters), True
        self.best_so_far, self.history = BestSoFar.of(counters), history

    def train_step(
        self, ranks: Collectives, votes: StopVotes, before_update: Callable[[], None] = lambda: None
    ) -> StepResult:
        """Do one step together with the other ranks: the state changes on all of them or on none.

        `before_update` is called when the gradients are known and before the state changes. A step whose loss or
        gradient norm is not finite is counted but not applied.
        """
        fault_point("train_step", self.step)
        self._compute_timer.reset()
        totals = StepTotals(self.training.microbatches, votes, self.device)
        gradients = self._reduction.reduce(ranks, lambda microbatch: self._backward(microbatch, totals))
        loss_sum, found, all_votes = totals.all_reduce(ranks)
        terms = max(found, 1)  # a step without a term, such as words of which none is kept, changes nothing
        gradients.div_(terms)
        loss, norm = loss_sum / terms, clip_grad_norm(gradients, float(self.training.clip_norm))
        rate, bad_step = learning_rate(self.step, self.training), None
        if math.isfinite(loss) and math.isfinite(norm):
            before_update()
            self._update(gradients, rate)
            self.history = with_number(self.history, TRAINING_LOSS, self.step, loss)
        else:
            bad_step = self._leave_out(ranks, totals, gradients, loss=loss, norm=norm)
        return StepResult(
            loss=loss,
            gradient_norm=norm,
            learning_rate=rate,
            tokens=round(found * self.task.tokens_per_term),
            votes=all_votes,
            bad_step=bad_step,
        )

    def _backward(self, microbatch: int, totals: StepTotals) -> None:
        """Add the gradients of one microbatch of this step to those of the parameters."""
        self._ping_watchdog()
        with self._compute_timer:
            data_step = self.step + self.bad_steps.data_offset
            if self.task.uses_rng:
                seed_rng(self.training.seed, data_step, microbatch)
            fault_point("forward")
            with self.precision():
                loss, tokens = self.task.loss(data_step, microbatch)
            fault_point("backward")
            torch.autograd.backward(loss)
            totals.add(microbatch, loss.detach(), tokens)

    def _update(self, gradients: Tensor, rate: float) -> None:
        fault_point("update")
        self.optimizer.update(self.parameters.weights, gradients, step=self.step, learning_rate=rate)
        self.step += 1
        self.average.update(self.step)
        self.bad_steps = self.bad_steps.after_good(self.step)
        self.warmed_up = True

    def _leave_out(
        self, ranks: Collectives, totals: StepTotals, gradients: Tensor, *, loss: float, norm: float
    ) -> BadStep:
        """Count the step without applying it; return what is not finite. The gradients are overwritten."""
        microbatch = totals.first_non_finite_loss()
        if microbatch is None:
            microbatch = self._first_non_finite_gradients(ranks, gradients)
        self.step += 1
        self.bad_steps = self.bad_steps.after_bad(self.step)
        return BadStep(step=self.step, microbatch=microbatch, loss=loss, gradient_norm=norm)

    def _first_non_finite_gradients(self, ranks: Collectives, gradients: Tensor) -> int | None:
        """Compute each microbatch of this step again, by itself, to find the first whose gradients are not finite."""
        count = self.training.microbatches
        totals, flags = StepTotals(count, StopVotes(), self.device), torch.zeros(count, device=self.device)
        self.parameters.point_gradients_to(gradients)
        for number in rank_range(count, ranks.rank, ranks.size):
            with torch.no_grad():
                gradients.zero_()
            self._backward(number, totals)
            flags[number] = not torch.isfinite(gradients.norm())
        ranks.all_reduce(flags)
        return next((number for number, flag in enumerate(flags.tolist()) if flag), None)

    def precision(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the network computes with the job's precision."""
        return autocast(self.device, self.training.precision)


def clip_grad_norm(gradients: Tensor, max_norm: float) -> float:
    """Scale gradients with a norm above `max_norm` down to it, in place; return their norm before. 0 scales nothing."""
    norm = float(gradients.norm())
    if norm > max_norm > 0.0:
        gradients.mul_(max_norm / norm)
    return norm
