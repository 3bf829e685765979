"""A step is the same whatever the number of ranks, and the state is all that it depends on."""

from collections.abc import Callable

import pytest
import torch

from llmtrain_api.job import Optimizer
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.log import Log
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import clip_grad_norm
from unit.trainer.conftest import MakeRun
from unit.trainer.thread_collectives import together

Make = Callable[[], GPTTask]
MakeOf = Callable[[RunConfig], Make]


@pytest.fixture
def run(make_run: MakeRun) -> RunConfig:
    return make_run()


@pytest.fixture
def make_learner_of(log: Log) -> MakeOf:
    def of(run: RunConfig) -> Make:
        outcome = prepare(run, log)
        assert outcome.dataset is not None
        dataset = Dataset.open(run.data_directory, outcome.dataset.id)

        def make() -> GPTTask:
            learner = GPTTask(run, dataset, torch.device("cpu"))
            learner.reset()
            return learner

        return make

    return of


@pytest.fixture
def make_learner(run: RunConfig, make_learner_of: MakeOf) -> Make:
    return make_learner_of(run)


def teach(make_learner: Make, size: int, steps: int) -> list[GPTTask]:
    """Return `size` learners after some steps together."""
    learners = [make_learner() for _ in range(size)]

    def act(ranks: Collectives) -> None:
        for _ in range(steps):
            learners[ranks.rank].train_step(ranks, StopVotes())

    together(size, act)
    return learners


@pytest.mark.parametrize("size", [2, 3, 4])
def test_any_number_of_ranks_learns_the_same_to_the_bit(make_learner: Make, size: int) -> None:
    (alone,) = teach(make_learner, 1, steps=3)
    for learner in teach(make_learner, size, steps=3):
        for name, tensor in alone.state_dict().items():
            assert torch.equal(learner.state_dict()[name], tensor), name


def test_dropout_depends_on_the_microbatch_and_not_on_the_rank(make_run: MakeRun, make_learner_of: MakeOf) -> None:
    make = make_learner_of(make_run(training={"steps": 20, "microbatches": 4, "microbatchSize": 2, "dropout": "0.3"}))
    (alone,) = teach(make, 1, steps=2)
    learners = teach(make, 3, steps=2)
    assert all(torch.equal(learner.parameters.weights, alone.parameters.weights) for learner in learners)


def test_a_fast_reduction_differs_by_rounding_only(make_run: MakeRun, make_learner_of: MakeOf) -> None:
    make = make_learner_of(
        make_run(training={"steps": 20, "microbatches": 4, "microbatchSize": 2, "reduction": "Fast"})
    )
    (alone,) = teach(make, 1, steps=1)
    learners = teach(make, 3, steps=1)
    assert all(torch.allclose(learner.parameters.weights, alone.parameters.weights, atol=1e-5) for learner in learners)


def test_the_loss_falls(make_learner: Make) -> None:
    learner = make_learner()
    losses = [learner.train_step(SingleProcess(), StopVotes()).loss for _ in range(20)]
    assert losses[-1] < losses[0] - 0.5


def test_one_wish_is_everyones(make_learner: Make) -> None:
    learners = [make_learner(), make_learner()]
    wishes = [StopVotes(stop=True), StopVotes()]
    agreed = together(2, lambda ranks: learners[ranks.rank].train_step(ranks, wishes[ranks.rank]).wishes)
    assert agreed == [StopVotes(stop=True, leave=False)] * 2


def test_the_state_is_all_that_a_newcomer_needs(make_learner: Make) -> None:
    learner, newcomer = make_learner(), make_learner()
    learner.train_step(SingleProcess(), StopVotes())
    newcomer.load_state_dict({name: tensor.clone() for name, tensor in learner.state_dict().items()}, learner.step)
    learner.train_step(SingleProcess(), StopVotes())
    newcomer.train_step(SingleProcess(), StopVotes())
    assert newcomer.step == learner.step == 2
    assert torch.equal(newcomer.parameters.weights, learner.parameters.weights)


def test_gradients_are_clipped_by_their_common_norm() -> None:
    gradients = torch.tensor([3.0, 4.0])
    assert clip_grad_norm(gradients, 1.0) == 5.0
    assert torch.allclose(gradients, torch.tensor([0.6, 0.8]))
    assert clip_grad_norm(gradients, 2.0) == pytest.approx(1.0)
    assert torch.allclose(gradients, torch.tensor([0.6, 0.8]))


def test_adamw_is_that_of_the_paper() -> None:
    """The first step moves each weight by the learning rate, and decay shrinks only the matrices."""
    optimizer = AdamW(Optimizer(weight_decay="0.1"), torch.zeros(2), torch.zeros(2))
    weights = torch.tensor([1.0, 1.0])
    optimizer.update(weights, torch.tensor([0.5, -2.0]), decayed=1, step=0, learning_rate=0.01)
    assert torch.allclose(weights, torch.tensor([1.0 - 0.001 - 0.01, 1.0 + 0.01]), atol=1e-6)
