"""The state of any training, and one step of it. What a newcomer needs is `state()` and nothing else."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.device_timer import DeviceTimer
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.lr_schedule import learning_rate
from llmtrain_trainer.training.numerics import numerics
from llmtrain_trainer.training.reduction import reduction
from llmtrain_trainer.training.rng import seed_rng
from llmtrain_trainer.training.step_totals import StepTotals, StopVotes


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """One finished step, the same on all ranks."""

    loss: float
    """Nats a token."""
    gradient_norm: float
    learning_rate: float
    tokens: int
    wishes: StopVotes


class TrainState(ABC):
    """Weights, optimizer and the number of steps done, of any network; what is learned from is a subclass's affair."""

    spec_field = "spec.model"
    """Field of the job that says which network it is."""
    uses_rng = False
    """Whether the network draws random numbers while it learns."""

    def __init__(
        self, run: RunConfig, model: nn.Module, device: torch.device, ping_watchdog: Callable[[], None] = lambda: None
    ) -> None:
        self._work_watch = DeviceTimer(device)
        self.snapshot_wait_seconds = 0.0
        """How long the last step waited for a snapshot to be complete."""
        self.wait_for_snapshot: Callable[[], object] = lambda: None
        """Called before the state changes; waits until a snapshot that is being taken of it is complete."""
        self.ping_watchdog = ping_watchdog
        """Says that this rank gets on."""
        self.training, self.device, self.step = run.training, device, 0
        self.complete = False
        """Whether this is the state after `step` steps, and not an empty or half-received one."""
        self.warmed_up = False
        """Whether this process has done a step: the first one loads and compiles kernels."""
        self.numerics, self.exact = numerics(run), run.training.reduction == "Exact"
        self.parameters = FlatParameters(model, device)
        zeros = self.parameters.zeros
        self.optimizer = AdamW(run.training.optimizer, zeros(device), zeros(device))
        self._reduction = reduction(run.training.reduction, self.parameters, run.training.microbatches)

    @property
    def work_seconds(self) -> float:
        """What the microbatches of the last step took this rank's device."""
        return self._work_watch.seconds()

    @property
    def flops_per_token(self) -> int | None:
        """Operations that a token costs to learn from; None if nobody has counted them."""
        return None

    @abstractmethod
    def init_weights(self) -> None:
        """Set the first weights: the same on every rank."""

    @abstractmethod
    def loss(self, number: int) -> tuple[Tensor, int]:
        """Return the summed loss of a microbatch of this step, and how many tokens it is the sum of."""

    def reset(self) -> None:
        """Go to the state before the first step."""
        self.wait_for_snapshot()
        self.step = 0
        self.init_weights()
        self.optimizer.exp_avg.zero_()
        self.optimizer.exp_avg_sq.zero_()
        self.complete = True

    @property
    def held_step(self) -> int | None:
        """Steps done by the state held, None if none is."""
        return self.step if self.complete else None

    @property
    def parts(self) -> dict[str, Tensor]:
        """The whole state in a few buffers (elements,), by what they hold."""
        return {"weight": self.parameters.weights, "mean": self.optimizer.exp_avg, "square": self.optimizer.exp_avg_sq}

    def state_dict(self) -> dict[str, Tensor]:
        """Return every tensor of the state by name. With `step` it is all that another rank needs."""
        return {
            f"{part}/{name}": tensor
            for part, buffer in self.parts.items()
            for name, tensor in self.parameters.named(buffer).items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor], step: int) -> None:
        """Go to the state after `step` steps."""
        self.wait_for_snapshot()
        with torch.no_grad():
            for name, tensor in self.state_dict().items():
                tensor.copy_(state[name])
        self.step, self.complete = step, True

    def train_step(self, ranks: Collectives, wishes: StopVotes) -> StepResult:
        """Do one step together with the other ranks: the state changes on all of them or on none."""
        self._work_watch.reset()
        tally = StepTotals(self.training.microbatches, wishes, self.device)
        gradients = self._reduction.reduce(ranks, lambda number: self._backward(number, tally))
        loss, tokens, agreed = tally.all_reduce(ranks)
        gradients.div_(tokens)
        norm = clip_grad_norm(gradients, float(self.training.clip_norm))
        rate = learning_rate(self.step, self.training)
        ready = time.perf_counter()
        self.wait_for_snapshot()
        self.snapshot_wait_seconds = time.perf_counter() - ready
        self.optimizer.update(
            self.parameters.weights, gradients, decayed=self.parameters.decayed, step=self.step, learning_rate=rate
        )
        self.step += 1
        return StepResult(loss=loss / tokens, gradient_norm=norm, learning_rate=rate, tokens=int(tokens), wishes=agreed)

    def _backward(self, number: int, tally: StepTotals) -> None:
        """Add the gradients of one microbatch of this step to those of the parameters."""
        self.ping_watchdog()
        with self._work_watch:
            if self.uses_rng:
                seed_rng(self.training.seed, self.step, number)
            with self.precision():
                loss, tokens = self.loss(number)
            torch.autograd.backward(loss)
            tally.note(number, loss.detach(), tokens)

    def precision(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the network computes with the job's precision."""
        if self.training.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def clip_grad_norm(gradients: Tensor, most: float) -> float:
    """Scale gradients with a norm above `most` down to it, in place; return the norm they had."""
    norm = float(gradients.norm())
    if norm > most:
        gradients.mul_(most / norm)
    return norm
