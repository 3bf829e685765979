"""A user's model learns the same bits at any number of ranks, and frozen parts stay as they were."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.user_program.user_task import UserTask
from unit.trainer.conftest import MakeRun
from unit.trainer.thread_collectives import together

DATA_ND = torch.arange(80.0).view(20, 4).sin()


def student(make_run: MakeRun) -> UserTask:
    torch.manual_seed(0)
    frozen = nn.Linear(4, 4).requires_grad_(False)
    model = nn.Sequential(frozen, nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))

    def loss(samples: list[int]) -> tuple[Tensor, int]:
        inputs = DATA_ND[samples]
        return functional.mse_loss(model(inputs), inputs.sum(1, keepdim=True), reduction="sum"), len(samples)

    made = UserTask(make_run(), model, len(DATA_ND), loss, torch.device("cpu"), lambda: None)
    made.reset()
    return made


def taught(make_run: MakeRun, size: int) -> list[UserTask]:
    students = [student(make_run) for _ in range(size)]

    def act(ranks: Collectives) -> None:
        for _ in range(5):
            students[ranks.rank].train_step(ranks, StopVotes())

    together(size, act)
    return students


def test_any_number_of_ranks_learns_the_same_to_the_bit(make_run: MakeRun) -> None:
    (alone,) = taught(make_run, 1)
    assert not torch.equal(alone.parameters.weights, student(make_run).parameters.weights)
    for other in taught(make_run, 3):
        assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in alone.state_dict().items())


def test_what_requires_no_gradients_is_no_part_of_the_state(make_run: MakeRun) -> None:
    names = student(make_run).state_dict().keys()
    assert {name for name in names if name.startswith("weight/")} == {
        "weight/1.weight",
        "weight/1.bias",
        "weight/3.weight",
        "weight/3.bias",
    }


def test_it_begins_with_the_weights_it_was_built_with(make_run: MakeRun) -> None:
    torch.manual_seed(0)
    nn.Linear(4, 4)
    first = nn.Linear(4, 8).weight
    assert torch.equal(student(make_run).state_dict()["weight/1.weight"], first)
