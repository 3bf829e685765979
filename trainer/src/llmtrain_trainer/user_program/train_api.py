"""The implementation of `llmtrain.train`: an elastic trainer of the user's model."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.trainer.elastic_trainer import ElasticTrainer
from llmtrain_trainer.user_program.checks import check_model, check_num_samples
from llmtrain_trainer.user_program.user_task import Loss, UserTask
from llmtrain_trainer.worker.rank_context import RankContext


@dataclass(kw_only=True)
class ProgramContext:
    """The job and the rank that the program runs in, and whether it has trained."""

    run: RunConfig
    rank: RankContext
    trainer: ElasticTrainer | None = None
    """The trainer of `llmtrain.train`, once the program has called it."""
    training_completed: bool = False

    @property
    def has_trained(self) -> bool:
        """Whether this process has completed a step."""
        return self.trainer is not None and self.trainer.has_trained


_active: list[ProgramContext] = []
"""The context of the program that runs in this process. A program gets no arguments that could carry it."""


@contextlib.contextmanager
def active(context: ProgramContext) -> Iterator[None]:
    """Make `context` that of every `llmtrain.train` inside the block."""
    _active.append(context)
    try:
        yield
    finally:
        _active.remove(context)


def train_user_model(model: nn.Module, num_samples: int, loss: Loss) -> bool:
    """Train to the end; return whether this rank is the main process."""
    context = _require_context()
    check_model(model)
    check_num_samples(num_samples)
    trainer = context.trainer = ElasticTrainer(
        context.run,
        lambda device: UserTask(context.run, model, num_samples, loss, device),
        context.rank,
    )
    trainer.train()
    context.training_completed = True
    trainer.load_final_state()  # if the other ranks finished before this one joined
    return trainer.is_main_process


def _require_context() -> ProgramContext:
    """Return the active context. BadInput if there is none, or its program has already trained."""
    if not _active:
        raise BadInput(
            "llmtrain.train: this program was not started by a job; name it in spec.entrypoint of a job file, and use "
            "`llmtrain run` to try it on this machine"
        )
    if _active[-1].training_completed:
        raise BadInput("llmtrain.train: it was called a second time; a job trains one model, once")
    return _active[-1]
