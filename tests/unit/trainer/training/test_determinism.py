"""Random numbers are a function of seed, step and microbatch; numerics describe what else bits depend on."""

import re

import pytest
import torch

from llmtrain_trainer.training.determinism import numerics, seed_rng
from unit.trainer.builders import MakeRun


def draw(seed: int, step: int, microbatch: int) -> float:
    """Return the first random number of a microbatch."""
    seed_rng(seed, step, microbatch)
    return float(torch.rand(()))


def test_a_microbatch_draws_the_same_numbers_again() -> None:
    first = draw(0, 5, 1)
    draw(0, 5, 2)
    assert draw(0, 5, 1) == first


@pytest.mark.parametrize("other", [(1, 5, 1), (0, 6, 1), (0, 5, 2)], ids=["seed", "step", "microbatch"])
def test_another_seed_step_or_microbatch_draws_other_numbers(other: tuple[int, int, int]) -> None:
    assert draw(0, 5, 1) != draw(*other)


def test_numerics_name_kernels_torch_and_threads(make_run: MakeRun) -> None:
    assert re.fullmatch(r"cpu [\w. ]+, torch \S+, 1 thread", numerics(make_run()))
