"""A model of masked tokens is published as a folder that `transformers` loads, fills masks, and is fine-tuned from there."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import mask_token
from llmtrain_trainer.models.pretrained import PretrainedClassifier
from llmtrain_trainer.stages.predict import predict
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.training import judging
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeCheckpointer, MakeRun, prepared_id
from unit.trainer.labelled_jobs import make_labelled_state, make_pretrained_run
from unit.trainer.masking_jobs import MAX_TOKENS, WORDS, make_masked_run, make_masked_state, write_masked_folder

STEPS = 40


@pytest.fixture(params=["a folder", "settings without a mask", ""], ids=["a folder", "settings without a mask", "bert"])
def model(
    request: pytest.FixtureRequest,
    make_run: MakeRun,
    make_checkpointer: MakeCheckpointer,
    log: JsonLog,
    volume: Path,
    tmp_path: Path,
) -> Path:
    """The folder of a published model."""
    folder = write_masked_folder(tmp_path / "bert") if request.param else None
    if folder and request.param == "settings without a mask":
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    run = make_masked_run(make_run, volume, folder)
    task, state = make_masked_state(run, log)
    checkpointer = make_checkpointer(state)
    for _ in range(STEPS):
        state.train_step(SingleProcess(), StopVotes())
    checkpointer.save()
    checkpointer.require_saved()
    outcome = publish(run, prepared_id(run, log), log)
    assert outcome.model is not None
    assert outcome.model.loss == task.evaluate(SingleProcess(), lambda: None, 2**16).loss
    assert set(outcome.model.metrics) == {"accuracy", "mostFrequentAccuracy"}
    assert 0 < outcome.model.metrics["mostFrequentAccuracy"] < 0.3
    assert outcome.model.perplexity < 300
    return Path(shutil.copytree(tmp_path / "job" / "model", tmp_path / "model"))


def answers(folder: Path, lines: list[dict[str, object]]) -> list[dict[str, object]]:
    source, target = folder.parent / "in.jsonl", folder.parent / "out.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    predict(folder, source, target, text_field="", device=torch.device("cpu"))
    return [json.loads(line) for line in target.read_text().splitlines()]


@torch.no_grad()
def test_masks_are_filled_with_the_tokens_of_the_library(model: Path) -> None:
    network, tokenizer = AutoModelForMaskedLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    mask = tokenizer.mask_token
    assert mask == mask_token(model)
    texts = [" ".join([*WORDS[first : first + 3], mask, *WORDS[first + 4 : first + 6], mask]) for first in range(9)]
    for text, answer in zip(texts, answers(model, [{"text": text} for text in texts]), strict=True):
        encoded = tokenizer(text, return_tensors="pt")
        masks = encoded["input_ids"][0] == tokenizer.mask_token_id
        probabilities, tokens = network(**encoded).logits[0][masks].softmax(-1).max(-1)
        assert answer["probabilities"] == pytest.approx(probabilities.tolist(), abs=2e-6)
        words = [tokenizer.decode([token]).strip().removeprefix("##") for token in tokens.tolist()]
        assert answer["tokens"] == words
        expected = text.replace(mask, words[0], 1).replace(mask, words[1], 1)
        assert answer["prediction"] == expected


def test_few_logits_are_in_memory_at_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[dict[str, object]] = [{"text": f"{word} {mask_token(model)}"} for word in WORDS[:6]]
    expected = answers(model, lines)
    batches: list[int] = []
    forward = PretrainedClassifier.forward

    def counted(network: PretrainedClassifier, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        batches.append(len(tokens))
        return forward(network, tokens, lengths)

    monkeypatch.setattr(PretrainedClassifier, "forward", counted)
    monkeypatch.setattr(judging, "MAX_LOGITS", 1)
    assert [answer["tokens"] for answer in answers(model, lines)] == [answer["tokens"] for answer in expected]
    assert batches == [1] * len(lines)


def test_a_text_that_can_not_be_filled_is_refused(model: Path) -> None:
    with pytest.raises(BadInput, match=r"line 1: no text with .* in 'text', but 'text'; add it"):
        answers(model, [{"text": "ban"}])
    with pytest.raises(BadInput, match=rf"tokens, and the model reads {MAX_TOKENS}; shorten it"):
        answers(model, [{"text": " ".join([*WORDS, str(mask_token(model))])}])


def test_a_classifier_is_fine_tuned_from_it(make_run: MakeRun, log: JsonLog, volume: Path, model: Path) -> None:
    training = {"steps": 2, "microbatches": 1, "microbatchSize": 4}
    run = make_pretrained_run(make_run, volume, model, max_tokens=MAX_TOKENS, training=training)
    task, state = make_labelled_state(run, log)
    saved = AutoModelForMaskedLM.from_pretrained(model).get_input_embeddings().weight
    assert torch.equal(task.model.network.get_input_embeddings().weight, saved)
    state.train_step(SingleProcess(), StopVotes())
    assert not torch.equal(task.model.network.get_input_embeddings().weight, saved)


def test_a_model_without_a_mask_is_refused(make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path) -> None:
    folder = write_masked_folder(tmp_path / "bert")
    (folder / "tokenizer_config.json").unlink()
    tokenizer = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(tokenizer.replace("[MASK]", "[HOLE]"))
    with pytest.raises(
        BadInput, match=r"^spec\.model\.from: .* names no mask_token .* add mask_token to its tokenizer_config"
    ):
        prepare(make_masked_run(make_run, volume, folder), log)
