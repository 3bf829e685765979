"""Train a model of your own in an LLMTrainingJob, elastically and with reproducible weights.

    import llmtrain

    result = llmtrain.train(model, num_samples=len(data), loss=loss)
    if result.is_main_process:
        torch.save(model.state_dict(), result.output_dir / "model.pt")

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
    """The result of a completed training. Every rank gets one, and the model has its final weights on every rank."""

    is_main_process: bool
    """Whether this rank writes shared files.

    Write each file under another name and rename it: if the rank fails after the training, another rank writes again.
    """
    output_dir: Path
    """The job's directory for the files of its program, on the checkpoint volume."""


def train(model: "nn.Module", *, num_samples: int, loss: "Callable[[list[int]], tuple[Tensor, int]]") -> TrainResult:
    """Train `model` for the job's number of steps, and return when they are done.

    `loss` is called once per microbatch with the numbers of its samples, each in [0, `num_samples`). It returns the
    summed loss, a scalar tensor that depends on the model's parameters, and the number of terms of that sum, such as
    tokens. The model is then on this rank's device. The result must depend only on the sample numbers and the weights;
    torch's default random generators are seeded by step and microbatch.

    Optimizer, schedule, clipping, precision, seed and checkpoints are set in the job, under `spec.training` and
    `spec.checkpoint`. Errors end the process, and the job reports them in its status.
    """
    from llmtrain_trainer.user_program.train_api import train_user_model

    is_main_process = train_user_model(model, num_samples, loss)
    return TrainResult(is_main_process=is_main_process, output_dir=Path(os.environ["LLMTRAIN_OUTPUT"]))
