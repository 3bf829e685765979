"""Muon is that of torch for hidden matrices, and AdamW for all else."""

import pytest
import torch
from torch import nn

from llmtrain_api.job import Optimizer
from llmtrain_trainer.training.adamw import AdamW
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.muon import Muon, hidden_matrices, orthogonalize

CPU = torch.device("cpu")


class Small(nn.Module):
    """A network with an embedding, hidden layers, a gain and an output layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(7, 6)
        self.hidden = nn.Sequential(nn.Linear(6, 12), nn.LayerNorm(12), nn.Linear(12, 6))
        self.head = nn.Linear(6, 2)


class Tied(nn.Module):
    """A network whose output layer is its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(7, 6)
        self.out = nn.Linear(6, 7, bias=False)
        self.out.weight = self.embed_tokens.weight
        self.hidden = nn.Linear(6, 6)


class Head(nn.Module):
    """A head of several layers, as RoBERTa has one."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.out_proj = nn.Linear(6, 6), nn.Linear(6, 2)


class WithHead(nn.Module):
    """A network with attention, whose last layer has the name of the last one of the head."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"out_proj": nn.Linear(6, 6)})
        self.classifier = Head()


def test_the_last_layer_of_a_head_is_an_output() -> None:
    assert hidden_matrices(WithHead()) == {"attention.out_proj.weight", "classifier.dense.weight"}


def test_hidden_matrices_are_neither_embeddings_nor_the_output() -> None:
    assert hidden_matrices(Small()) == {"hidden.0.weight", "hidden.2.weight"}
    assert hidden_matrices(Tied()) == {"hidden.weight"}


@pytest.mark.parametrize("shape", [(8, 8), (4, 16), (16, 4)])
def test_singular_values_come_near_one_and_their_vectors_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    found = orthogonalize(matrix)
    values = torch.linalg.svdvals(found)
    assert 0.5 < values.min() <= values.max() < 1.5
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    in_their_basis = left.T @ found @ right.T
    assert torch.allclose(in_their_basis, torch.diag(in_their_basis.diagonal()), atol=1e-4)


def test_nothing_stays_nothing() -> None:
    assert not orthogonalize(torch.zeros(3, 4)).any()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon came with torch 2.9")
def test_matrices_change_as_with_torch_which_computes_them_in_bfloat16() -> None:
    torch.manual_seed(0)
    model = Small()
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    parameters = FlatParameters(model, CPU)
    copy(start, parameters)
    optimizer = Muon(Optimizer(name="muon", beta1="0.9", weight_decay="0.1"), parameters, CPU)
    theirs = {name: nn.Parameter(start[name].clone()) for name in hidden_matrices(model)}
    oracle = torch.optim.Muon(
        list(theirs.values()), lr=0.01, momentum=0.9, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    for step in range(3):
        gradients = torch.randn(parameters.elements)
        for name, view in parameters.named(gradients).items():
            if name in theirs:
                theirs[name].grad = view.clone()
        optimizer.update(parameters.weights, gradients, step=step, learning_rate=0.01)
        oracle.step()  # type: ignore[no-untyped-call]
    for name, view in parameters.named(parameters.weights).items():
        if name in theirs:
            difference = (view - theirs[name].data).norm() / (view - start[name]).norm()
            assert difference < 0.02, name


def test_all_else_changes_as_with_adamw() -> None:
    torch.manual_seed(0)
    parameters = FlatParameters(model := Small(), CPU)
    settings, gradients = Optimizer(weight_decay="0.1"), torch.randn(parameters.elements)
    found, expected = torch.ones(parameters.elements), torch.ones(parameters.elements)
    Muon(settings, parameters, CPU).update(found, gradients.clone(), step=0, learning_rate=0.01)
    AdamW(settings, parameters, CPU).update(expected, gradients.clone(), step=0, learning_rate=0.01)
    others = parameters.named(expected)
    same = {name for name, view in parameters.named(found).items() if torch.equal(view, others[name])}
    assert same == set(others) - hidden_matrices(model)


def copy(tensors: dict[str, torch.Tensor], parameters: FlatParameters) -> None:
    with torch.no_grad():
        for name, view in parameters.named(parameters.weights).items():
            view.copy_(tensors[name])
