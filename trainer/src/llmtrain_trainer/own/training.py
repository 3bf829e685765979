"""What `llmtrain.train` does: the rank's generations, with the user's model as what is learned."""

from dataclasses import dataclass

import torch
from torch import nn

from llmtrain_api.run import RunConfig
from llmtrain_trainer.checkpoint.folder import Checkpoints
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.elastic.place import Place
from llmtrain_trainer.elastic.rank import Alive, Lesson, Rank
from llmtrain_trainer.elastic.stopping import Stopping
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.log import Log
from llmtrain_trainer.own.checks import check_model, check_samples
from llmtrain_trainer.own.student import Loss, Student


@dataclass(kw_only=True)
class Surroundings:
    """What the process that runs the program knows, and whether the program has trained."""

    run: RunConfig
    place: Place
    stopping: Stopping
    log: Log
    trained: bool = False


surroundings: Surroundings | None = None
"""Set once in a process that runs a program; a program gets no arguments from us."""


def train_own(model: nn.Module, samples: int, loss: Loss) -> bool:
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
    made: list[Student] = []

    def lesson(device: torch.device, alive: Alive) -> Lesson:
        made.append(Student(around.run, model, samples, loss, device, alive))
        return Lesson(learner=made[-1], data=around.run.entrypoint.name if around.run.entrypoint else "")

    rank = Rank(around.run, lesson, around.place, around.stopping, around.log)
    rank.train()
    around.trained = True
    if made[0].held != around.run.training.steps:  # the others had finished before this rank came
        restore(made[0], Checkpoints(job_directory=rank.job_directory, log=around.log), around.log)
    return rank.first
