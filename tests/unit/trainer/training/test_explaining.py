"""Explanations are those of captum, and what each axiom or definition says, for every network that reads whole texts."""

import re
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Occlusion
from torch import Tensor

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.training import explaining
from llmtrain_trainer.training.explaining import (
    Explainable,
    Explainer,
    complete_gradients,
    integrated_gradients,
    occlusion,
)
from llmtrain_trainer.training.labelled_learner import LabelledLearner
from llmtrain_trainer.training.objective import WholeText
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun
from unit.trainer.labelled_jobs import make_labelled_run, make_labelled_state, make_pretrained_run, write_model_folder

CASES = [
    ("classification", "encoder"),
    ("classification", "lstm"),
    ("classification", "bert"),
    ("classification", "a folder"),
    ("regression", "gru"),
    ("regression", "a folder"),
]
TRAINING = {
    "steps": 60,
    "microbatches": 2,
    "microbatchSize": 16,
    "warmupSteps": 2,
    "optimizer": {"learningRate": "2e-2"},
}


DECIDING = re.compile("fox|quartz|[0-9]")
"""Words that decide the label of a record."""


def run_of(make_run: MakeRun, volume: Path, folder: Path, name: str, model: str, **sections: object) -> RunConfig:
    if model == "a folder":
        return make_pretrained_run(make_run, volume, write_model_folder(folder / "bert"), task=name, **sections)
    return make_labelled_run(make_run, volume, name, model, **sections)


def learned(run: RunConfig, log: JsonLog, steps: int) -> LabelledLearner:
    """Return a task whose model has learned for some steps."""
    task, state = make_labelled_state(run, log)
    for _ in range(steps):
        state.train_step(SingleProcess(), StopVotes())
    return task


@pytest.mark.parametrize(("name", "model"), CASES)
def test_attributions_are_those_of_captum(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path, name: str, model: str
) -> None:
    task = learned(run_of(make_run, volume, tmp_path, name, model, training=TRAINING), log, 10)
    network, objective = cast(Explainable, task.model), cast(WholeText, task.objective)
    (tokens,) = task.dataset.held_out.sequences([3])
    embedded = network.embed(torch.from_numpy(tokens.astype(np.int64))[None])[0].detach()

    def read(variants: Tensor) -> Tensor:
        return network.read(variants, torch.full((len(variants),), len(tokens)))

    whole = read(embedded[None])

    def strengths(variants: Tensor) -> Tensor:
        return objective.strengths(read(variants), whole)

    reference = IntegratedGradients(strengths).attribute(
        embedded[None], n_steps=explaining.POINTS, method="gausslegendre", internal_batch_size=8
    )
    torch.testing.assert_close(
        integrated_gradients(strengths, embedded, parts=1), reference[0].sum(-1).double(), rtol=1e-4, atol=1e-6
    )
    without = Occlusion(strengths).attribute(embedded[None], sliding_window_shapes=(1, embedded.shape[1]))
    parts = [(position, position + 1) for position in range(len(tokens))]
    torch.testing.assert_close(occlusion(strengths, embedded, parts), without[0, :, 0].double(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "model"), CASES)
def test_words_that_decide_the_answer_have_greater_attributions(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path, name: str, model: str
) -> None:
    sections = {"training": TRAINING, "max_tokens": 24} if model == "a folder" else {"training": TRAINING}
    task = learned(run_of(make_run, volume, tmp_path, name, model, **sections), log, 60)
    found = task.explain(8)
    assert [each.sample for each in found] == list(range(0, 40, 5))
    right = 0
    for each in found:
        assert len(each.words) == len(each.integrated_gradients) == len(each.occlusion)
        text = "".join(each.words)
        assert ("fox" in text) or ("quartz" in text)
        decides = np.array([bool(DECIDING.search(word)) for word in each.words])
        sizes = np.abs(each.integrated_gradients)
        right += bool(sizes[decides].mean() > sizes[~decides].mean())
        if name == "classification":
            assert each.strength == pytest.approx(each.answer["probability"], abs=1e-5)
            assert each.label in ("animal", "mineral")
        else:
            assert each.strength == pytest.approx(each.answer["prediction"], rel=1e-4)
            assert each.label in (-3.5, 12.0)
    assert right >= 6
    assert task.explain(8) == found


def test_an_answer_that_changes_within_a_short_way_has_attributions_that_add_up() -> None:
    embedded, computed = torch.tensor([[1.0, 0.5], [0.25, 0.25]]), list[int]()

    def answer(variants: Tensor) -> Tensor:
        computed.append(len(variants))
        return torch.sigmoid(100 * (variants.sum((1, 2)) - 0.3))

    coarse = integrated_gradients(answer, embedded, parts=1)
    assert abs(float(coarse.sum()) - 1.0) > explaining.TOLERANCE
    computed.clear()
    assert float(complete_gradients(answer, embedded, 1.0).sum()) == pytest.approx(1.0, abs=explaining.TOLERANCE)
    assert sum(computed) == 6 * explaining.POINTS
    computed.clear()
    smooth = lambda variants: variants.sum((1, 2)) ** 2 + 0 * answer(variants)  # noqa: E731
    assert float(complete_gradients(smooth, embedded, 4.0).sum()) == pytest.approx(4.0)
    assert sum(computed) == explaining.POINTS


def test_of_a_long_text_the_beginning_is_explained(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "MAX_TOKENS", 4)
    task = learned(make_labelled_run(make_run, volume, "classification", "encoder"), log, 0)
    (tokens,) = task.dataset.held_out.sequences([0])
    assert len(tokens) > 4
    tokenizer = load_tokenizer(task.dataset.directory)
    explainer = Explainer(
        objective=cast(WholeText, task.objective),
        model=cast(Explainable, task.model),
        tokenizer=tokenizer,
        device=torch.device("cpu"),
        precision="float32",
    )
    words = explainer.explain(task.dataset.held_out, 0).words
    assert "".join(words) == tokenizer.decode(tokens[:4].tolist())


def test_the_sum_of_a_linear_answer_is_split_exactly() -> None:
    weights = torch.tensor([[1.0, -2.0], [0.5, 3.0], [0.0, 0.0]])
    embedded = torch.tensor([[2.0, 1.0], [4.0, -1.0], [7.0, 7.0]])
    answer = lambda variants: (variants * weights).sum((1, 2))  # noqa: E731
    torch.testing.assert_close(
        integrated_gradients(answer, embedded, parts=4), torch.tensor([0.0, -1.0, 0.0], dtype=torch.float64)
    )
    parts = [(0, 1), (1, 3), (0, 3)]
    assert occlusion(answer, embedded, parts).tolist() == [0.0, -1.0, -1.0]


@pytest.mark.parametrize(("name", "model"), CASES)
def test_not_more_is_computed_at_once_than_in_training(
    make_run: MakeRun,
    log: JsonLog,
    volume: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    model: str,
) -> None:
    training = TRAINING | {"microbatchSize": 3}
    task = learned(run_of(make_run, volume, tmp_path, name, model, training=training), log, 10)
    network = cast(Explainable, task.model)
    read, computed, need_gradients = network.read, list[int](), set[bool]()

    def counted(variants: Tensor, lengths: Tensor) -> Tensor:
        computed.append(len(variants))
        if variants.requires_grad:
            need_gradients.update(weight.requires_grad for weight in network.parameters())
        return read(variants, lengths)

    monkeypatch.setattr(network, "read", counted)
    before = [weight.requires_grad for weight in network.parameters()]
    (found,) = task.explain(1)
    assert max(computed) == 3
    assert need_gradients == {False}
    assert [weight.requires_grad for weight in network.parameters()] == before
    explainer = Explainer(
        objective=cast(WholeText, task.objective),
        model=network,
        tokenizer=load_tokenizer(task.dataset.directory),
        device=torch.device("cpu"),
        precision="float32",
    )
    other = explainer.explain(task.dataset.held_out, found.sample)
    assert max(computed) == 16
    assert found.integrated_gradients == pytest.approx(other.integrated_gradients, rel=1e-4, abs=1e-6)
    assert found.occlusion == pytest.approx(other.occlusion, rel=1e-4, abs=1e-6)
