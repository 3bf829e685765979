"""The exact reduction gives the same bits at any number of ranks; the fast one the same sum up to rounding."""

import pytest
import torch
from torch import nn

from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.reduction import reduction
from unit.trainer.thread_collectives import run_ranks

MICROBATCHES = 7


def reduce(name: str, ranks: Collectives) -> torch.Tensor:
    """Return the sum of the gradients of seven microbatches, reduced twice to use the buffers again."""
    model = nn.Linear(5, 3)
    parameters = FlatParameters(model, torch.device("cpu"))
    parameters.weights.fill_(1.0)
    inputs = torch.randn(MICROBATCHES, 5, generator=torch.Generator().manual_seed(0)) * 1e3
    reduces = reduction(name, parameters, MICROBATCHES)

    def backward(number: int) -> None:
        torch.autograd.backward(model(inputs[number]).square().sum())

    reduces.reduce(ranks, backward)
    return reduces.reduce(ranks, backward).clone()


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_an_exact_sum_has_the_same_bits_at_any_number_of_ranks(size: int) -> None:
    (expected,) = run_ranks(1, lambda ranks: reduce("Exact", ranks))
    assert all(torch.equal(each, expected) for each in run_ranks(size, lambda ranks: reduce("Exact", ranks)))


@pytest.mark.parametrize("size", [1, 3])
def test_a_fast_sum_equals_the_exact_one_up_to_rounding(size: int) -> None:
    (expected,) = run_ranks(1, lambda ranks: reduce("Exact", ranks))
    assert all(
        torch.allclose(each, expected, rtol=1e-5) for each in run_ranks(size, lambda ranks: reduce("Fast", ranks))
    )


@pytest.mark.parametrize("name", ["Exact", "Fast"])
def test_discarded_buffers_are_not_used_again(name: str) -> None:
    """Late bytes of an abandoned collective overwrite the memory that it was given."""
    parameters = FlatParameters(torch.nn.Linear(3, 2), torch.device("cpu"))
    summed = reduction(name, parameters, 2)

    def backward(microbatch: int) -> None:
        for weight in parameters._named.values():
            weight.grad.add_(microbatch + 1.0)

    before = summed.reduce(SingleProcess(), backward)
    parameters.forget_gradient_buffers()
    summed.discard_buffers()
    after = summed.reduce(SingleProcess(), backward)
    before.fill_(float("nan"))
    assert torch.equal(after, torch.full_like(after, 3.0))
