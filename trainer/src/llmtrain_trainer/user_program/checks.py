"""The requirements for a user's model and loss, which make their training exact. Every error names the remedy."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from llmtrain_trainer.errors import BadInput


def check_model(model: object) -> None:
    """Check that `model` can be trained. BadInput with a remedy if not."""
    if not isinstance(model, nn.Module):
        raise BadInput(
            f"llmtrain.train: model is a {type(model).__name__}, not a torch.nn.Module; pass the module itself"
        )
    _check_is_built(model)
    trainable = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if not trainable:
        raise BadInput("llmtrain.train: no parameter of the model requires gradients; there is nothing to train")
    other = next((name for name, weight in trainable.items() if weight.dtype != torch.float32), None)
    if other is not None:
        raise BadInput(
            f"llmtrain.train: parameter {other} is {trainable[other].dtype}, not torch.float32; call model.float(), and set "
            "spec.training.precision for the type of the matrix products"
        )
    _check_gradients(trainable)
    _check_memory(model, trainable)
    for name, module in model.named_modules():
        if type(module).get_extra_state is not nn.Module.get_extra_state:
            raise BadInput(
                f"llmtrain.train: {name or 'the model'} ({type(module).__name__}) keeps state outside of parameters "
                "(get_extra_state), which would be lost in a checkpoint; use a module without it"
            )
        if isinstance(module, _NormBase) and module.track_running_stats:
            raise BadInput(
                f"llmtrain.train: {name or 'the model'} is a {type(module).__name__} with running statistics, which depend on "
                "the order of the microbatches; use LayerNorm or GroupNorm, or track_running_stats=False"
            )


def _check_is_built(model: nn.Module) -> None:
    """Check that all tensors have contents, in memory of their own."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        wraps: bool = is_traceable_wrapper_subclass(tensor)  # not a condition: its type guard excludes each tensor
        if wraps:
            raise BadInput(
                f"llmtrain.train: {name} is a {type(tensor).__name__}, which wraps other tensors, such as a quantized or "
                "distributed one; pass a model of plain tensors"
            )
        if is_lazy(tensor) or tensor.is_meta:
            raise BadInput(f"llmtrain.train: {name} has no contents yet; build the model completely before you pass it")
        if tensor.is_inference():
            raise BadInput(f"llmtrain.train: {name} was made in torch.inference_mode; build the model outside of it")
        if tensor.layout != torch.strided:
            raise BadInput(f"llmtrain.train: {name} is sparse ({tensor.layout}); make it dense with to_dense()")


def _check_gradients(trainable: dict[str, nn.Parameter]) -> None:
    """Check that gradients stay where llmtrain adds them up."""
    for name, weight in trainable.items():
        if weight._post_accumulate_grad_hooks:
            raise BadInput(
                f"llmtrain.train: parameter {name} has a hook that runs after its gradient is accumulated, such as that of an "
                "optimizer; remove it, llmtrain updates the weights"
            )


def _check_memory(model: nn.Module, trainable: dict[str, nn.Parameter]) -> None:
    """Check that no trained parameter shares memory with another tensor: they would be trained apart."""
    tensors = sorted(
        ((*_memory_range(tensor), name) for name, tensor in (*model.named_parameters(), *model.named_buffers())),
    )
    reached, holder = 0, ""
    for start, stop, name in tensors:
        if start < reached and (name in trainable or holder in trainable):
            raise BadInput(
                f"llmtrain.train: {holder} and {name} are two tensors in the same memory; to tie them, assign one "
                "torch.nn.Parameter to both modules, otherwise clone one of them"
            )
        if stop > reached:
            reached, holder = stop, name


def _memory_range(tensor: Tensor) -> tuple[int, int]:
    """Return the addresses of the first byte and after the last byte of a tensor."""
    if not tensor.numel():
        return 0, 0
    extent = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    return tensor.data_ptr(), tensor.data_ptr() + extent * tensor.element_size()


def check_num_samples(num_samples: object) -> None:
    """Check that `num_samples` is a positive number. BadInput if not."""
    if not isinstance(num_samples, int) or num_samples < 1:
        raise BadInput(f"llmtrain.train: num_samples is {num_samples!r}; pass the number of samples, at least 1")


def check_loss(result: object) -> tuple[Tensor, int]:
    """Return the result of a loss function: a summed loss, and how many terms it is the sum of. BadInput if it is not."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise BadInput(
            f"llmtrain.train: loss returned a {type(result).__name__}; return a tuple of the summed loss and the "
            "number of terms in the sum"
        )
    loss, count = result
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise BadInput(
            f"llmtrain.train: the first value that loss returned is {what}; return one number with gradients, such as the "
            'result of a loss function with reduction="sum"'
        )
    if not isinstance(count, int) or count < 1:
        raise BadInput(
            f"llmtrain.train: the second value that loss returned is {count!r}; return the number of terms in the sum, at least 1"
        )
    return loss.reshape(()), count
