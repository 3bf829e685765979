"""Train a model of your own in an LLMTrainingJob, through every change of membership, to the same bits.

    import llmtrain

    trained = llmtrain.train(model, num_samples=len(data), loss=loss)
    if trained.is_main_process:
        torch.save(model.state_dict(), f"{trained.output_dir}/model.pt")

`docs/guides/your-code.md` explains the details.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["TrainResult", "train"]


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """The training is done: the model holds its last weights, on every rank."""

    is_main_process: bool
    """Whether this rank is the one to write what shall be written once. Write whole files and rename them: if a rank
    dies at the very end, another one may do it again."""
    output_dir: Path
    """The job's folder for what its program writes, on the checkpoint volume."""


def train(model: "nn.Module", *, num_samples: int, loss: "Callable[[list[int]], tuple[Tensor, int]]") -> TrainResult:
    """Train `model` for the steps that the job asks for, and return when they are done.

    `loss` is called for one microbatch after the other with the numbers of its samples, in [0, `samples`). It returns
    their summed loss, a tensor that depends on the model, and how many it is the sum of, such as tokens. It must be a
    function of those numbers and the weights; random numbers of torch's default generator are keyed by step and
    microbatch. The model is on this rank's device by then.

    Optimizer, schedule, clipping, precision, seed and checkpoints are the job's: see `spec.training`.
    """
    from llmtrain_trainer.user_program.train_api import train_user_model

    first = train_user_model(model, num_samples, loss)
    return TrainResult(is_main_process=first, output_dir=Path(os.environ["LLMTRAIN_OUTPUT"]))
