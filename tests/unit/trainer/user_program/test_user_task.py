"""A user's model trains to the same bits at any number of ranks, and its frozen parameters stay as they were."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.user_program.checks import check_model
from llmtrain_trainer.user_program.user_task import UserTask
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.thread_collectives import run_ranks

DATA_ND = torch.arange(80.0).view(20, 4).sin()


def make_model() -> nn.Module:
    torch.manual_seed(0)
    frozen = nn.Linear(4, 4).requires_grad_(False)
    return nn.Sequential(frozen, nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))


class Averaging(nn.Module):
    """Scales by an average of what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.register_buffer("average", torch.ones(4))

    def forward(self, inputs: Tensor) -> Tensor:
        self.average.mul_(0.9).add_(inputs.detach().abs().mean(0), alpha=0.1)
        result: Tensor = self.layer(inputs / self.average)
        return result


class Odd(nn.Module):
    """What people put into models: a scale without dimensions, constant buffers of other types, a shared weight."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.tensor([True, False, True, True]))
        self.register_buffer("columns", torch.arange(4))
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.inner, self.outer, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1)
        self.outer.weight = self.inner.weight

    def forward(self, inputs: Tensor) -> Tensor:
        inputs = self.outer(torch.tanh(self.inner(inputs[:, self.columns] * self.mask)))
        result: Tensor = self.last(inputs) * self.scale
        return result


def make_state(make_run: MakeRun, model: nn.Module | None = None) -> TrainState:
    model = model or make_model()
    check_model(model)

    def loss(samples: list[int]) -> tuple[Tensor, int]:
        inputs = DATA_ND[samples]
        return functional.mse_loss(model(inputs), inputs.sum(1, keepdim=True), reduction="sum"), len(samples)

    device = torch.device("cpu")
    state = TrainState(UserTask(make_run(), model, len(DATA_ND), loss, device), make_run(), device)
    state.reset()
    return state


def train(make_run: MakeRun, ranks: int, make: Callable[[], nn.Module] = make_model) -> list[TrainState]:
    """Return the states of all ranks after five steps together."""
    states = [make_state(make_run, make()) for _ in range(ranks)]

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


def make_odd() -> nn.Module:
    torch.manual_seed(0)
    return Odd()


def test_scalars_shared_weights_and_constant_buffers_train_exactly(make_run: MakeRun) -> None:
    (single,) = train(make_run, 1, make_odd)
    assert [name for name in single.state_dict() if name.startswith("weight/")] == [
        "weight/inner.weight",
        "weight/last.weight",
        "weight/scale",
        "weight/inner.bias",
        "weight/outer.bias",
        "weight/last.bias",
    ]
    for other in train(make_run, 3, make_odd):
        assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in single.state_dict().items())


def test_scalars_are_saved_and_restored(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    (state,) = train(make_run, 1, make_odd)
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    restored = make_state(make_run, make_odd())
    restore(restored, checkpoints, log)
    assert restored.held_step == 5
    for each in (state, restored):
        each.train_step(SingleProcess(), StopVotes())
    assert all(torch.equal(restored.state_dict()[name], tensor) for name, tensor in state.state_dict().items())


def test_a_model_whose_buffers_change_is_refused_in_its_first_step(make_run: MakeRun) -> None:
    state = make_state(make_run, Averaging())
    with pytest.raises(BadInput, match=r"^llmtrain\.train: buffer average changes while the model computes the loss"):
        state.train_step(SingleProcess(), StopVotes())
    assert state.step == 0


def test_other_frozen_weights_on_another_rank_are_refused_by_name(make_run: MakeRun) -> None:
    model = make_model()
    with torch.no_grad():
        model.get_submodule("0").bias.add_(1)  # type: ignore[operator]
    states = [make_state(make_run), make_state(make_run, model)]

    def refusal_of(ranks: Collectives) -> str:
        try:
            states[ranks.rank].task.check_peers(ranks)
        except BadInput as error:
            return str(error)
        return ""

    first, second = run_ranks(2, refusal_of)
    assert first == ""
    assert second.startswith("llmtrain.train: frozen parameter 0.bias: not the same in rank 1 as in rank 0")


def test_a_checkpoint_of_another_program_is_refused(
    make_program_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    state = make_state(lambda: make_program_run(script="train.py"))
    state.step = 2
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    message = r"^spec\.entrypoint: step-00000002 was trained by train\.py, but the job now runs other\.py; set it back"
    with pytest.raises(BadInput, match=message):
        restore(make_state(lambda: make_program_run(script="other.py")), checkpoints, log)


@pytest.mark.parametrize("change", ["num_samples", "frozen"])
def test_a_checkpoint_of_other_samples_or_frozen_weights_is_refused(
    change: str, make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    state = make_state(make_run)
    state.step = 2
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    if change == "frozen":
        model = make_model()
        with torch.no_grad():
            model.get_submodule("0").weight.add_(1)  # type: ignore[operator]
        later, what = make_state(make_run, model), "frozen parameter 0.weight"
    else:
        task = UserTask(make_run(), make_model(), 7, lambda samples: (torch.zeros(()), 1), torch.device("cpu"))
        later, what = TrainState(task, make_run(), torch.device("cpu")), "num_samples"
    with pytest.raises(BadInput, match=rf"^llmtrain\.train: {what}: step-00000002 was trained with \w+, but the job"):
        restore(later, checkpoints, log)
