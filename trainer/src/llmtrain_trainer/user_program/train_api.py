"""What `llmtrain.train` does: the rank's generations, with the user's model as what is learned."""

from dataclasses import dataclass

import torch
from torch import nn

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.log import Log
from llmtrain_trainer.trainer.elastic_trainer import Alive, ElasticTrainer, TrainingTask
from llmtrain_trainer.user_program.checks import check_model, check_samples
from llmtrain_trainer.user_program.user_task import Loss, UserTask
from llmtrain_trainer.worker.stop_signal import StopSignal


@dataclass(kw_only=True)
class ProgramContext:
    """What the process that runs the program knows, and whether the program has trained."""

    run: RunConfig
    place: RankIdentity
    stopping: StopSignal
    log: Log
    trained: bool = False


surroundings: ProgramContext | None = None
"""Set once in a process that runs a program; a program gets no arguments from us."""


def train_user_model(model: nn.Module, samples: int, loss: Loss) -> bool:
    """Train to the end; return whether this rank is to write what is to be written once."""
    around = surroundings
    if around is None:
        raise BadInput(
            "llmtrain.train: this program was not started by a job; name it in spec.entrypoint of a job file, and use "
            "`llmtrain run` to try it on this machine"
        )
    if around.trained:
        raise BadInput("llmtrain.train: it was called a second time; a job trains one model, once")
    check_model(model)
    check_samples(samples)
    made: list[UserTask] = []

    def lesson(device: torch.device, alive: Alive) -> TrainingTask:
        made.append(UserTask(around.run, model, samples, loss, device, alive))
        return TrainingTask(learner=made[-1], data=around.run.entrypoint.name if around.run.entrypoint else "")

    rank = ElasticTrainer(around.run, lesson, around.place, around.stopping, around.log)
    rank.train()
    around.trained = True
    if made[0].held_step != around.run.training.steps:  # the others had finished before this rank came
        restore(made[0], CheckpointStore(job_directory=rank.job_directory, log=around.log), around.log)
    return rank.first
