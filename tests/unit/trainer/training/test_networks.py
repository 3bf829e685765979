"""A network of `transformers` learns like one of llmtrain's own, exactly, and its identity is that of the files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.models.model_folder import folder_of
from llmtrain_trainer.training import judging
from llmtrain_trainer.training.networks import pair_network
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.task import Judgement
from unit.trainer.bart_folder import VOCABULARY, write_bart_folder
from unit.trainer.builders import MakeRun
from unit.trainer.labelled_jobs import (
    RECORDS,
    make_labelled_run,
    make_labelled_state,
    make_pretrained_run,
    write_model_folder,
)
from unit.trainer.pair_jobs import make_folder_run
from unit.trainer.thread_collectives import run_ranks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model_folder(tmp_path_factory.mktemp("models") / "bert", hidden_dropout_prob=0.2)


def test_it_learns(make_run: MakeRun, log: JsonLog, volume: Path, folder: Path) -> None:
    training = {
        "steps": 60,
        "microbatches": 2,
        "microbatchSize": 16,
        "warmupSteps": 2,
        "optimizer": {"learningRate": "1e-2"},
    }
    run = make_pretrained_run(make_run, volume, folder, max_tokens=40, training=training)
    task, state = make_labelled_state(run, log)
    before = task.evaluate(SingleProcess(), lambda: None)
    for _ in range(60):
        state.train_step(SingleProcess(), StopVotes())
    after = task.evaluate(SingleProcess(), lambda: None)
    assert after.loss < before.loss / 2
    assert after.scores["accuracy"] > 0.9


def test_a_microbatch_is_the_same_on_every_rank_and_has_dropout(
    make_run: MakeRun, log: JsonLog, volume: Path, folder: Path
) -> None:
    run = make_pretrained_run(make_run, volume, folder)
    (one, state), (other, _) = (make_labelled_state(run, log) for _ in range(2))
    assert state.task.uses_rng
    losses = []
    for task, seed in ((one, 1), (other, 1), (other, 2)):
        torch.manual_seed(seed)
        losses.append(float(task.loss(3, 1)[0].detach()))
    assert losses[0] == losses[1] != losses[2]


def test_a_judgement_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "SAMPLES_PER_BATCH", 7)
    task, _ = make_labelled_state(make_pretrained_run(make_run, volume, folder), log)
    expected = task.evaluate(SingleProcess(), lambda: None)
    assert run_ranks(3, lambda group: task.evaluate(group, lambda: None)) == [expected] * 3


@pytest.mark.parametrize("task", RECORDS)
@pytest.mark.parametrize("from_folder", [True, False], ids=["a folder", "bert"])
def test_training_and_scores_are_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, folder: Path, task: str, from_folder: bool
) -> None:
    changes = {"task": task, "training": {"steps": 4, "microbatches": 6, "warmupSteps": 1, "dropout": "0.1"}}
    if from_folder:
        changes["training"] |= {"dropout": "0"}
        run = make_pretrained_run(make_run, volume, folder, max_tokens=24, **changes)
    else:
        run = make_labelled_run(make_run, volume, name="bert", **changes)

    def train(group: Collectives) -> tuple[bytes, Judgement]:
        learner, state = make_labelled_state(run, log)
        assert state.task.uses_rng
        for _ in range(3):
            state.train_step(group, StopVotes())
        return state.parameters.weights.numpy().tobytes(), learner.evaluate(group, lambda: None)

    expected = train(SingleProcess())
    assert [run_ranks(ranks, train) for ranks in (2, 3)] == [[expected] * 2, [expected] * 3]


def test_its_identity_is_that_of_the_files(make_run: MakeRun, log: JsonLog, volume: Path, folder: Path) -> None:
    run = make_pretrained_run(make_run, volume, folder)
    _, state = make_labelled_state(run, log)
    assert {name: value for name, value in state.identity.items() if name.startswith("spec.model")} == {
        "spec.model.from": folder_of(run).digest,
        "spec.model.weights": "Load",
    }
    assert ", transformers 5." in state.numerics


def test_what_is_not_trained_is_there_before_a_state_is_loaded(make_run: MakeRun, volume: Path, tmp_path: Path) -> None:
    folder = write_bart_folder(tmp_path / "bart")
    (folder / "tokenizer.json").write_text("{}")
    run = make_folder_run(make_run, volume, folder)
    fresh = run.model_copy(update={"model": run.model.model_copy(update={"weights": "Fresh"})})
    loaded, drawn = (pair_network(each, vocab_size=VOCABULARY, device=torch.device("cpu")) for each in (run, fresh))
    bias = load_file(folder / "model.safetensors")["final_logits_bias"]
    assert bias.any()
    assert torch.equal(loaded.model.get_buffer("network.final_logits_bias"), bias)
    assert not drawn.model.get_buffer("network.final_logits_bias").any()
