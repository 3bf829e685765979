"""A user's model trains to the same bits at any number of ranks, and its frozen parameters stay as they were."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.user_program.user_task import UserTask
from unit.trainer.builders import MakeRun
from unit.trainer.thread_collectives import run_ranks

DATA_ND = torch.arange(80.0).view(20, 4).sin()


def make_state(make_run: MakeRun) -> TrainState:
    torch.manual_seed(0)
    frozen = nn.Linear(4, 4).requires_grad_(False)
    model = nn.Sequential(frozen, nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))

    def loss(samples: list[int]) -> tuple[Tensor, int]:
        inputs = DATA_ND[samples]
        return functional.mse_loss(model(inputs), inputs.sum(1, keepdim=True), reduction="sum"), len(samples)

    device = torch.device("cpu")
    state = TrainState(UserTask(make_run(), model, len(DATA_ND), loss, device), make_run(), device)
    state.reset()
    return state


def train(make_run: MakeRun, ranks: int) -> list[TrainState]:
    """Return the states of all ranks after five steps together."""
    states = [make_state(make_run) for _ in range(ranks)]

    def train_rank(group: Collectives) -> None:
        for _ in range(5):
            states[group.rank].train_step(group, StopVotes())

    run_ranks(ranks, train_rank)
    return states


def test_any_number_of_ranks_computes_the_same_bits(make_run: MakeRun) -> None:
    (single,) = train(make_run, 1)
    assert not torch.equal(single.parameters.weights, make_state(make_run).parameters.weights)
    for other in train(make_run, 3):
        assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in single.state_dict().items())


def test_frozen_parameters_are_not_in_the_state(make_run: MakeRun) -> None:
    names = make_state(make_run).state_dict().keys()
    assert {name for name in names if name.startswith("weight/")} == {
        "weight/1.weight",
        "weight/1.bias",
        "weight/3.weight",
        "weight/3.bias",
    }


def test_the_initial_weights_are_those_the_model_was_built_with(make_run: MakeRun) -> None:
    torch.manual_seed(0)
    nn.Linear(4, 4)
    first = nn.Linear(4, 8).weight
    assert torch.equal(make_state(make_run).state_dict()["weight/1.weight"], first)
