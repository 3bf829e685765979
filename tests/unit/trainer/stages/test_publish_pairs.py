"""An encoder-decoder is published with its scores, and what it writes from its folder is what it was judged by."""

import json
import math
from pathlib import Path

import pytest
import torch
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import publish_pairs
from llmtrain_trainer.stages.predict import main, predict
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.training.pair_learner import PairLearner
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.pair_jobs import TASKS, make_folder_run, make_pair_run, make_pair_state, write_pair_folder

STEPS = 16
CPU = torch.device("cpu")


@pytest.fixture(params=[("translation", "float32"), ("summarization", "float32"), ("translation", "bfloat16")], ids=str)
def task(
    request: pytest.FixtureRequest, make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path
) -> PairLearner:
    """A published model that writes some words."""
    name, precision = request.param
    training = {
        "steps": STEPS,
        "precision": precision,
        "warmupSteps": 1,
        "microbatches": 1,
        "microbatchSize": 16,
        "optimizer": {"learningRate": "2e-2"},
    }
    run = make_pair_run(make_run, volume, name, training=training)
    task, state = make_pair_state(run, log)
    for _ in range(STEPS):
        state.train_step(SingleProcess(), StopVotes())
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    outcome = publish(run, task.dataset.info.id, log)
    assert outcome.model is not None
    loss = task.judge_loss(list(range(40)), SingleProcess())
    assert outcome.model.loss == loss
    assert outcome.model.metrics["perplexity"] == math.exp(loss)
    first = task.writing.reported[0]
    assert outcome.message.startswith(
        f"{first} {outcome.model.metrics[first]:.4f} on 40 held-out pairs; of the baseline "
    )
    assert (outcome.model.path, outcome.model.perplexity) == ("job/model", None)
    return task


def answers(task: PairLearner, folder: Path) -> list[str]:
    """Return what `predict` writes of the held-out texts."""
    documents = [task.dataset.texts.document(number) for number in range(40)]
    (folder / "in.jsonl").write_text("".join(json.dumps({"en": source}) + "\n" for source, _ in documents))
    files = folder / "job" / "model", folder / "in.jsonl", folder / "out.jsonl"
    assert predict(*files, text_field="", device=CPU) == 40
    return [json.loads(line)["prediction"] for line in (folder / "out.jsonl").read_text().splitlines()]


def test_scores_are_those_of_the_reference_implementations_on_what_predict_writes(
    task: PairLearner, tmp_path: Path
) -> None:
    report = json.loads((tmp_path / "job" / "model" / "evaluation.json").read_text())
    written, pairs = answers(task, tmp_path), [task.dataset.texts.document(number) for number in range(40)]
    references = [target for _, target in pairs]
    assert any(written)
    if "chrf" in report["scores"]:
        for texts, scores in ((written, report["scores"]), ([pair[0] for pair in pairs], report["baselines"]["copy"])):
            assert scores["chrf"] == pytest.approx(CHRF().corpus_score(texts, [references]).score)
            assert scores["bleu"] == pytest.approx(BLEU(force=True).corpus_score(texts, [references]).score)
    else:
        firsts = [" ".join(source.split()[:6]) for source, _ in pairs]  # targets have four or eight words
        for texts, scores in ((written, report["scores"]), (firsts, report["baselines"]["firstWords"])):
            for name in ("rouge1", "rouge2", "rougeL"):
                values = [
                    RougeScorer([name]).score(reference, text)[name].fmeasure
                    for text, reference in zip(texts, references, strict=True)
                ]
                assert scores[name] == pytest.approx(sum(values) / 40)
    assert report["written"] == report["samples"] == 40
    for name, (low, high) in report["intervals"].items():
        assert low <= report["scores"][name] <= high


@pytest.mark.parametrize("task", [("translation", "float32")], indirect=True)
def test_transformers_loads_the_folder(task: PairLearner, tmp_path: Path) -> None:
    folder = tmp_path / "job" / "model"
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = [task.dataset.texts.document(number)[0] for number in range(3)]
    read = tokenizer(texts, padding=True, return_tensors="pt")
    sources = task.dataset.held_out.sources([0, 1, 2])
    assert [row[mask.bool()].tolist() for row, mask in zip(read.input_ids, read.attention_mask, strict=True)] == [
        source.tolist() for source in sources
    ]
    targets = torch.tensor([[5, 6, 7, 0]] * 3)
    with torch.no_grad():
        logits = model(input_ids=read.input_ids, attention_mask=read.attention_mask, labels=targets).logits
        own = task.model(read.input_ids, read.attention_mask.sum(1), targets)
    assert torch.allclose(logits, own, atol=1e-6)
    generated = model.generate(**read)
    assert tokenizer.batch_decode(generated, skip_special_tokens=True) == task.written(sources, lambda: None)


@pytest.mark.parametrize("task", [("translation", "float32")], indirect=True)
def test_of_many_pairs_some_are_written(
    task: PairLearner, tmp_path: Path, make_run: MakeRun, volume: Path, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_pairs, "MAX_WRITTEN", 10)
    _, message = publish_pairs.publish_model(make_pair_run(make_run, volume), task, tmp_path / "model", {})
    report = json.loads((tmp_path / "model" / "evaluation.json").read_text())
    assert (report["samples"], report["written"]) == (40, 10)
    assert " on 10 held-out pairs" in message


@pytest.mark.parametrize("task", [("translation", "float32")], indirect=True)
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"text": "fox"}, "no text in 'en', but 'text'; correct it, or name the field with --text"),
        ({"en": " "}, "no text in 'en'; correct it"),
        ({"en": "fox", "prediction": ""}, "a field 'prediction' is there already; rename it"),
    ],
)
def test_a_line_that_can_not_be_read_is_named(
    task: PairLearner, tmp_path: Path, capfd: pytest.CaptureFixture[str], line: dict[str, str], problem: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"en": "fine"}\n' + json.dumps(line) + "\n")
    assert main([str(tmp_path / name) for name in ("job/model", "in.jsonl", "out.jsonl")]) == 2
    assert f"in.jsonl', line 2: {problem}" in capfd.readouterr().err


@pytest.mark.parametrize("task", [("translation", "float32")], indirect=True)
def test_a_damaged_folder_is_refused(task: PairLearner, tmp_path: Path) -> None:
    folder = tmp_path / "job" / "model"
    use = json.loads((folder / "llmtrain.json").read_text())
    (folder / "llmtrain.json").write_text(json.dumps(use | {"maxTokens": 0}))
    with pytest.raises(BadInput, match=r"llmtrain\.json is not valid: .*; publish the model again"):
        answers(task, tmp_path)
    (folder / "llmtrain.json").write_text(json.dumps(use))
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadInput, match=r"holds no model that can be loaded: .*; publish the model again"):
        answers(task, tmp_path)


def test_there_is_a_way_to_judge_each_task() -> None:
    from llmtrain_api.tasks import PAIR_TASKS
    from llmtrain_trainer.training.writing import WRITINGS

    assert set(WRITINGS) == set(PAIR_TASKS) == set(TASKS)


def test_a_model_from_a_folder_is_trained_further_and_published_with_its_tokenizer(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    folder = write_pair_folder(tmp_path / "t5")
    training = {"steps": 1, "microbatches": 1, "microbatchSize": 16, "warmupSteps": 0}
    run = make_folder_run(make_run, volume, folder, training=training)
    task, state = make_pair_state(run, log)
    saved = AutoModelForSeq2SeqLM.from_pretrained(folder)
    for name, weight in saved.named_parameters():
        assert torch.equal(dict(task.model.network.named_parameters())[name], weight)
    assert set(state.identity) >= {"spec.model.from", "spec.model.weights"}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    source, target = task.dataset.texts.document(0)
    assert task.dataset.held_out.sources([0])[0].tolist() == tokenizer(source)["input_ids"]
    assert task.dataset.held_out.targets([0])[0].tolist() == tokenizer(target)["input_ids"]
    state.train_step(SingleProcess(), StopVotes())
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    publish(run, task.dataset.info.id, log)
    published = tmp_path / "job" / "model"
    loaded = AutoModelForSeq2SeqLM.from_pretrained(published)
    assert AutoTokenizer.from_pretrained(published)(source) == tokenizer(source)
    for name, weight in loaded.named_parameters():
        assert torch.equal(dict(task.model.network.named_parameters())[name], weight)
    assert len(answers(task, tmp_path)) == 40


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder_start_token_id": None}, "has no decoder_start_token_id, with which a text begins or ends; add"),
        ({"d_ff": 64}, r"wi\.weight is of shape"),
        ({"num_layers": 2}, "is missing; put the files of one model there"),
        ({"model_type": "bert", "pad_token_id": 0}, "can't do the task translation"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused_before_a_worker_starts(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    folder = write_pair_folder(tmp_path / "t5")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    (folder / "generation_config.json").unlink()
    with pytest.raises(BadInput, match=message):
        prepare(make_folder_run(make_run, volume, folder), log)
