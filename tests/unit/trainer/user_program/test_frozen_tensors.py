"""What training does not change stays as it is in every process, or is refused by its name."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.user_program.frozen_tensors import FrozenTensors
from unit.trainer.thread_collectives import run_ranks

CPU = torch.device("cpu")


class Model(nn.Module):
    """A trained weight, a frozen one, and buffers of several types."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.teacher = nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False)
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("mask", torch.tensor([True, False]))
        self.register_buffer("codebook", torch.full((2, 2), float("nan")))
        self.register_buffer("halves", torch.ones(2, dtype=torch.bfloat16))
        self.register_buffer("phases", torch.ones(2, dtype=torch.complex64))
        self.register_buffer("nothing", torch.ones(0, 3))
        self.register_buffer("queue", torch.arange(1.0, 12.0)[1:])
        self.register_buffer("conjugate", torch.ones(2, dtype=torch.complex64).conj())
        self.register_buffer("cache", torch.ones(2), persistent=False)
        self.codebook: Tensor
        self.count: Tensor
        self.mask: Tensor
        self.queue: Tensor
        self.cache: Tensor


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    return Model()


def watched(model: nn.Module) -> FrozenTensors:
    frozen = FrozenTensors(model)
    frozen.watch()
    return frozen


def replace_codebook(model: Model) -> None:
    model.codebook = torch.ones(2, 2)


CHANGES = [
    pytest.param(lambda model: model.count.add_(1), "buffer count", id="a counter in place"),
    pytest.param(replace_codebook, "buffer codebook", id="another tensor"),
    pytest.param(lambda model: model.codebook.data.fill_(1.0), "buffer codebook", id="without a trace of autograd"),
    pytest.param(lambda model: model.mask[1].fill_(True), "buffer mask", id="a mask"),
    pytest.param(lambda model: model.mask.copy_(model.mask.flip(0)), "buffer mask", id="another order"),
    pytest.param(lambda model: model.queue.copy_(model.queue.roll(1)), "buffer queue", id="another order of many"),
    pytest.param(
        lambda model: model.teacher.weight.data.mul_(0.9), "frozen parameter teacher.weight", id="an average of weights"
    ),
    pytest.param(
        lambda model: model.teacher.requires_grad_(True), "frozen parameter teacher.weight", id="a weight is thawed"
    ),
]


@pytest.mark.parametrize(("change", "name"), CHANGES)
def test_a_change_in_a_forward_pass_is_refused_by_name(
    change: Callable[[Model], object], name: str, model: Model
) -> None:
    frozen = watched(model)
    frozen.require_unchanged()
    change(model)
    with pytest.raises(BadInput, match=rf"^llmtrain\.train: {name} changes while the model computes the loss"):
        frozen.require_unchanged()


def test_a_change_in_place_is_noticed_in_any_step(model: Model) -> None:
    frozen = watched(model)
    for _ in range(10):
        frozen.require_unchanged()
    model.count.add_(1)
    with pytest.raises(BadInput, match="buffer count"):
        frozen.require_unchanged()


def test_a_buffer_that_gets_the_same_contents_again_has_not_changed(model: Model) -> None:
    frozen = watched(model)
    for _ in range(5):
        model.count = torch.tensor(0)
        model.mask.copy_(model.mask.clone())
        model.cache.add_(1)  # no state
        frozen.require_unchanged()


def test_training_may_change_all_that_is_trained(model: Model) -> None:
    frozen = watched(model)
    with torch.no_grad():
        model.layer.weight.add_(1)
    frozen.require_unchanged()


def test_the_identity_names_each_tensor_and_depends_on_its_contents(model: Model) -> None:
    torch.manual_seed(0)
    before, same = FrozenTensors(model).identity, FrozenTensors(Model()).identity
    assert before == same
    assert before.keys() == {
        "llmtrain.train: frozen parameter teacher.weight",
        "llmtrain.train: frozen parameter teacher.bias",
        "llmtrain.train: buffer count",
        "llmtrain.train: buffer mask",
        "llmtrain.train: buffer codebook",
        "llmtrain.train: buffer halves",
        "llmtrain.train: buffer phases",
        "llmtrain.train: buffer nothing",
        "llmtrain.train: buffer queue",
        "llmtrain.train: buffer conjugate",
        "llmtrain.train: frozen parameters and buffers",
    }
    model.count.add_(1)
    after = FrozenTensors(model).identity
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"llmtrain.train: buffer count", "llmtrain.train: frozen parameters and buffers"}


def peers(*models: nn.Module) -> list[str]:
    """Return what each rank refuses, with one model on each."""
    frozen = [FrozenTensors(model) for model in models]

    def refusal_of(ranks: Collectives) -> str:
        try:
            frozen[ranks.rank].check_peers(ranks, CPU)
        except BadInput as error:
            return str(error)
        return ""

    return run_ranks(len(models), refusal_of)


def test_equal_tensors_on_all_ranks_are_accepted(model: Model) -> None:
    torch.manual_seed(0)
    assert peers(model, Model()) == ["", ""]
    assert peers(nn.Linear(2, 2), nn.Linear(2, 2)) == ["", ""]


def test_ranks_with_other_tensors_than_the_first_are_refused_by_name(model: Model) -> None:
    torch.manual_seed(0)
    other = Model()
    other.count.add_(1)
    assert peers(model, model, other) == [
        "",
        "",
        "llmtrain.train: buffer count: not the same in rank 2 as in rank 0; build them from torch's default generator, "
        "which the job seeds, or from the same file on every worker",
    ]


def test_ranks_with_another_number_of_tensors_are_refused(model: Model) -> None:
    first, second = peers(model, nn.Linear(2, 2))
    assert first == ""
    assert "a different number of frozen parameters and buffers: not the same in rank 1" in second


def test_a_hook_that_renames_the_state_hides_no_buffer(model: Model) -> None:
    model.register_state_dict_post_hook(lambda module, state, prefix, metadata: state.clear())
    frozen = watched(model)
    model.count.add_(1)
    with pytest.raises(BadInput, match="buffer count"):
        frozen.require_unchanged()
