"""The training state, and the step that advances it."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.determinism import numerics, seed_rng
from llmtrain_trainer.training.device_timer import DeviceTimer
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.lr_schedule import learning_rate
from llmtrain_trainer.training.reduction import reduction
from llmtrain_trainer.training.step_totals import StepTotals, StopVotes
from llmtrain_trainer.training.task import PingWatchdog, Task, autocast


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """The outcome of one step, the same on all ranks."""

    loss: float
    """Training loss in nats per token."""
    gradient_norm: float
    """Norm of the gradients before clipping."""
    learning_rate: float
    tokens: int
    votes: StopVotes
    """Whether any rank votes to leave or to stop after this step."""


class TrainState:
    """Weights, optimizer moments and the number of steps done: everything that training depends on.

    The state changes only in `reset`, `load_state_dict`, `train_step` and while it is received from another rank.
    The caller makes sure that no snapshot is being copied when one of them starts to change it.
    """

    def __init__(
        self, task: Task, run: RunConfig, device: torch.device, ping_watchdog: PingWatchdog = lambda: None
    ) -> None:
        self.task, self.training, self.device = task, run.training, device
        self.step = 0
        """Steps done."""
        self.complete = False
        """Whether this is the state after `step` steps, and not an uninitialized or partly received one."""
        self.warmed_up = False
        """Whether this process has done a step: the first one loads and compiles kernels."""
        self.numerics, self.exact = numerics(run), run.training.reduction == "Exact"
        self.parameters = FlatParameters(task.model, device)
        self.optimizer = AdamW(run.training.optimizer, self.parameters.zeros(device), self.parameters.zeros(device))
        self._ping_watchdog = ping_watchdog
        self._compute_timer = DeviceTimer(device)
        self._reduction = reduction(run.training.reduction, self.parameters, run.training.microbatches)

    @property
    def spec_field(self) -> str:
        """Field of the job that defines the network."""
        return self.task.spec_field

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
        return {"weight": self.parameters.weights, "mean": self.optimizer.exp_avg, "square": self.optimizer.exp_avg_sq}

    def state_dict(self) -> dict[str, Tensor]:
        """Return every tensor of the state, named `buffer/parameter`. They share memory with `buffers`."""
        return {
            f"{buffer_name}/{name}": tensor
            for buffer_name, buffer in self.buffers.items()
            for name, tensor in self.parameters.named(buffer).items()
        }

    def load_state_dict(self, state_dict: Mapping[str, Tensor], step: int) -> None:
        """Copy the state after `step` steps from `state_dict`."""
        with torch.no_grad():
            for name, tensor in self.state_dict().items():
                tensor.copy_(state_dict[name])
        self.mark_complete(step)

    def reset(self) -> None:
        """Set the state before the first step."""
        self.task.init_weights()
        self.optimizer.exp_avg.zero_()
        self.optimizer.exp_avg_sq.zero_()
        self.mark_complete(0)

    def mark_incomplete(self) -> None:
        """Declare that the buffers hold no usable state, because another rank's is about to be received."""
        self.complete = False

    def mark_complete(self, step: int) -> None:
        """Declare that the buffers hold the state after `step` steps."""
        self.step, self.complete = step, True

    def train_step(
        self, ranks: Collectives, votes: StopVotes, before_update: Callable[[], None] = lambda: None
    ) -> StepResult:
        """Do one step together with the other ranks: the state changes on all of them or on none.

        `before_update` is called when the gradients are known and before the state changes.
        """
        fault_point("train_step", self.step)
        self._compute_timer.reset()
        totals = StepTotals(self.training.microbatches, votes, self.device)
        gradients = self._reduction.reduce(ranks, lambda microbatch: self._backward(microbatch, totals))
        loss, tokens, all_votes = totals.all_reduce(ranks)
        gradients.div_(tokens)
        norm = clip_grad_norm(gradients, float(self.training.clip_norm))
        rate = learning_rate(self.step, self.training)
        before_update()
        self._update(gradients, rate)
        return StepResult(
            loss=loss / tokens, gradient_norm=norm, learning_rate=rate, tokens=int(tokens), votes=all_votes
        )

    def _backward(self, microbatch: int, totals: StepTotals) -> None:
        """Add the gradients of one microbatch of this step to those of the parameters."""
        self._ping_watchdog()
        with self._compute_timer:
            if self.task.uses_rng:
                seed_rng(self.training.seed, self.step, microbatch)
            fault_point("forward")
            with self.precision():
                loss, tokens = self.task.loss(self.step, microbatch)
            fault_point("backward")
            torch.autograd.backward(loss)
            totals.add(microbatch, loss.detach(), tokens)

    def _update(self, gradients: Tensor, rate: float) -> None:
        fault_point("update")
        self.optimizer.update(
            self.parameters.weights, gradients, decayed=self.parameters.decayed, step=self.step, learning_rate=rate
        )
        self.step += 1
        self.warmed_up = True

    def precision(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the network computes with the job's precision."""
        return autocast(self.device, self.training)


def clip_grad_norm(gradients: Tensor, max_norm: float) -> float:
    """Scale gradients with a norm above `max_norm` down to it, in place; return their norm before. 0 scales nothing."""
    norm = float(gradients.norm())
    if norm > max_norm > 0.0:
        gradients.mul_(max_norm / norm)
    return norm
