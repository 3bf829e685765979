"""A step is the same whatever the number of ranks, and the state is all that it depends on."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from llmtrain_api.job import Optimizer
from llmtrain_api.run import RunConfig
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.prepare import prepare
from llmtrain_trainer.log import Log
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.learner import Learner, Wishes, clip
from unit.trainer.conftest import MakeRun

Make = Callable[[], Learner]


class Alone:
    rank, size = 0, 1

    def sum(self, tensor: Tensor) -> None:
        pass


class OneOf:
    """One rank of several that run after each other: it sees its own sums and adds those of the ranks before."""

    def __init__(self, rank: int, size: int, sums: list[list[Tensor]]) -> None:
        self.rank, self.size, self._sums, self._number = rank, size, sums, 0

    def sum(self, tensor: Tensor) -> None:
        if self._number == len(self._sums):
            self._sums.append([])
        self._sums[self._number].append(tensor.clone())
        tensor.copy_(torch.stack(self._sums[self._number]).sum(0))
        self._number += 1


@pytest.fixture
def run(make_run: MakeRun) -> RunConfig:
    return make_run()


@pytest.fixture
def make_learner(run: RunConfig, log: Log) -> Make:
    outcome = prepare(run, log)
    assert outcome.dataset is not None
    dataset = Dataset.open(run.data_directory, outcome.dataset.id)

    def make() -> Learner:
        learner = Learner(run, dataset, torch.device("cpu"))
        learner.begin()
        return learner

    return make


def test_three_ranks_learn_what_one_learns(make_learner: Make) -> None:
    alone = make_learner()
    result = alone.learn(Alone(), Wishes())
    sums: list[list[Tensor]] = []
    learners = [make_learner() for _ in range(3)]
    results = [learner.learn(OneOf(rank, 3, sums), Wishes()) for rank, learner in enumerate(learners)]
    assert results[-1].tokens == result.tokens == alone.tokens_per_step
    assert results[-1].loss == pytest.approx(result.loss)
    assert torch.allclose(learners[-1].parameters.weights, alone.parameters.weights, atol=1e-5)


def test_the_loss_falls(make_learner: Make) -> None:
    learner = make_learner()
    losses = [learner.learn(Alone(), Wishes()).loss for _ in range(20)]
    assert losses[-1] < losses[0] - 0.5


def test_one_wish_is_everyones(make_learner: Make) -> None:
    sums: list[list[Tensor]] = []
    make_learner().learn(OneOf(0, 2, sums), Wishes(stop=True))
    agreed = make_learner().learn(OneOf(1, 2, sums), Wishes())
    assert agreed.wishes == Wishes(stop=True, leave=False)


def test_the_state_is_all_that_a_newcomer_needs(make_learner: Make) -> None:
    learner, newcomer = make_learner(), make_learner()
    learner.learn(Alone(), Wishes())
    newcomer.resume({name: tensor.clone() for name, tensor in learner.state().items()}, learner.step)
    learner.learn(Alone(), Wishes())
    newcomer.learn(Alone(), Wishes())
    assert newcomer.step == learner.step == 2
    assert torch.equal(newcomer.parameters.weights, learner.parameters.weights)


def test_gradients_are_clipped_by_their_common_norm() -> None:
    gradients = torch.tensor([3.0, 4.0])
    assert clip(gradients, 1.0) == 5.0
    assert torch.allclose(gradients, torch.tensor([0.6, 0.8]))
    assert clip(gradients, 2.0) == pytest.approx(1.0)
    assert torch.allclose(gradients, torch.tensor([0.6, 0.8]))


def test_adamw_is_that_of_the_paper() -> None:
    """The first step moves each weight by the learning rate, and decay shrinks only the matrices."""
    optimizer = AdamW(Optimizer(weight_decay="0.1"), torch.zeros(2), torch.zeros(2))
    weights = torch.tensor([1.0, 1.0])
    optimizer.update(weights, torch.tensor([0.5, -2.0]), decayed=1, step=0, learning_rate=0.01)
    assert torch.allclose(weights, torch.tensor([1.0 - 0.001 - 0.01, 1.0 + 0.01]), atol=1e-6)
