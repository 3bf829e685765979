"""What a user's model and loss must be so that their training is exact. Every refusal is a sentence with a remedy."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from llmtrain_trainer.errors import BadInput


def check_model(model: object) -> None:
    """Refuse what can't be trained."""
    if not isinstance(model, nn.Module):
        raise BadInput(
            f"llmtrain.train: model is a {type(model).__name__}, not a torch.nn.Module; give it the module itself"
        )
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if not trained:
        raise BadInput("llmtrain.train: no parameter of the model requires gradients; there is nothing to train")
    other = next((name for name, weight in trained.items() if weight.dtype != torch.float32), None)
    if other is not None:
        raise BadInput(
            f"llmtrain.train: parameter {other} is {trained[other].dtype}, not torch.float32; call model.float(), and set "
            "spec.training.precision for the type of the matrix products"
        )
    for name, module in model.named_modules():
        if isinstance(module, _NormBase) and module.track_running_stats:
            raise BadInput(
                f"llmtrain.train: {name or 'the model'} is a {type(module).__name__} with running statistics, which depend on "
                "the order of the microbatches; use LayerNorm or GroupNorm, or track_running_stats=False"
            )


def check_samples(samples: object) -> None:
    """Refuse anything but a number of samples."""
    if not isinstance(samples, int) or samples < 1:
        raise BadInput(f"llmtrain.train: samples is {samples!r}; give the number of samples, at least 1")


def check_loss(result: object) -> tuple[Tensor, int]:
    """Return what the loss function returned, if it is a summed loss and what it is the sum of."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise BadInput(
            f"llmtrain.train: loss returned a {type(result).__name__}; return two things, the summed loss and how many it is "
            "the sum of"
        )
    loss, count = result
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise BadInput(
            f"llmtrain.train: the first thing that loss returned is {what}; return one number with gradients, such as the "
            'result of a loss function with reduction="sum"'
        )
    if not isinstance(count, int) or count < 1:
        raise BadInput(
            f"llmtrain.train: the second thing that loss returned is {count!r}; return how many the loss is the sum of, at least 1"
        )
    return loss.reshape(()), count
