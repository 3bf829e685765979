"""Masked tokens are predicted from those around them, with the same weights and scores at any number of ranks."""

import json
from pathlib import Path

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.models.model_folder import folder_of
from llmtrain_trainer.training import judging
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.task import Judgement
from unit.trainer.builders import MakeRun
from unit.trainer.masking_jobs import MAX_TOKENS, make_masked_run, make_masked_state, write_masked_folder
from unit.trainer.thread_collectives import run_ranks

FROM_FOLDER = pytest.mark.parametrize("from_folder", [True, False], ids=["a folder", "bert"])


@FROM_FOLDER
def test_it_learns(make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path, from_folder: bool) -> None:
    run = make_masked_run(make_run, volume, write_masked_folder(tmp_path / "bert") if from_folder else None)
    task, state = make_masked_state(run, log)
    before = task.evaluate(SingleProcess(), lambda: None)
    for _ in range(40):
        state.train_step(SingleProcess(), StopVotes())
    after = task.evaluate(SingleProcess(), lambda: None)
    assert after.loss < before.loss - 0.3
    assert set(after.scores) == {"accuracy"}


@FROM_FOLDER
def test_weights_and_scores_are_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path, from_folder: bool
) -> None:
    run = make_masked_run(make_run, volume, write_masked_folder(tmp_path / "bert") if from_folder else None)

    def train(group: Collectives) -> tuple[bytes, Judgement]:
        task, state = make_masked_state(run, log)
        assert task.uses_rng
        for _ in range(3):
            state.train_step(group, StopVotes())
        return state.parameters.weights.numpy().tobytes(), task.evaluate(group, lambda: None)

    expected = train(SingleProcess())
    assert [run_ranks(ranks, train) for ranks in (2, 3)] == [[expected] * 2, [expected] * 3]


def test_the_loss_is_that_of_the_chosen_tokens_and_another_one_in_the_next_epoch(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    training = {"steps": 10, "microbatches": 1, "microbatchSize": 4, "dropout": "0"}
    run = make_masked_run(make_run, volume, training=training)
    task, _ = make_masked_state(run, log)
    assert not task.uses_rng
    loss, terms = task.loss(3, 0)
    assert terms == 4 * round(0.15 * MAX_TOKENS)
    assert torch.equal(loss, task.loss(3, 0)[0])
    epoch = len(task._batches.windows)
    one = {task.loss(step, 0)[0].item() for step in range(epoch // 4)}
    assert task.loss(3 + epoch, 0)[0].item() not in one


def test_a_judgement_holds_few_logits_at_once(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = make_masked_state(make_masked_run(make_run, volume), log)
    task.init_weights()
    sizes: list[int] = []
    task.model.register_forward_hook(lambda _module, _inputs, logits: sizes.append(logits.numel()))
    expected = task.judge(SingleProcess(), lambda: None, 2**9)
    whole = max(sizes)
    sizes.clear()
    monkeypatch.setattr(judging, "MAX_LOGITS", whole // 4)
    rows = task.judge(SingleProcess(), lambda: None, 2**9)
    assert max(sizes) == whole // 4
    assert rows == pytest.approx(expected, rel=1e-5)


def test_its_identity_has_the_mask_and_the_settings_of_the_tokenizer(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    folder = write_masked_folder(tmp_path / "bert")
    run = make_masked_run(make_run, volume, folder)
    identities = []
    for mask in ("[MASK]", "[UNK]"):
        (folder / "tokenizer_config.json").write_text(json.dumps({"mask_token": mask}))
        task, _ = make_masked_state(run, log)
        assert task.identity == {
            "spec.model.from.mask": mask,
            "spec.model.from": folder_of(run).digest,
            "spec.model.weights": "Load",
        }
        identities.append(task.identity)
    assert identities[0]["spec.model.from"] != identities[1]["spec.model.from"]
