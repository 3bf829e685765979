"""A network of `transformers` is published as a folder that the library loads, and is applied with the same answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages.predict import predict
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeCheckpointer, MakeRun, prepared_id
from unit.trainer.labelled_jobs import (
    LABELS,
    RECORDS,
    Record,
    make_labelled_run,
    make_labelled_state,
    make_pretrained_run,
    write_model_folder,
)

STEPS, SAMPLES = 20, 30
MAX_TOKENS = 24
CPU = torch.device("cpu")
Train = Callable[[RunConfig], Path]


@pytest.fixture
def train(make_checkpointer: MakeCheckpointer, log: JsonLog, tmp_path: Path) -> Train:
    """Trains a network, and returns the folder in which it is published."""

    def train(run: RunConfig) -> Path:
        task, state = make_labelled_state(run, log)
        checkpointer = make_checkpointer(state)
        for _ in range(STEPS):
            state.train_step(SingleProcess(), StopVotes())
        checkpointer.save()
        checkpointer.require_saved()
        outcome = publish(run, prepared_id(run, log), log)
        assert outcome.model is not None
        assert outcome.model.loss == task.judge(list(range(len(task.dataset.held_out))), SingleProcess()).loss
        return tmp_path / "job" / "model"

    return train


@pytest.fixture
def model(train: Train, make_run: MakeRun, volume: Path, tmp_path: Path) -> Path:
    """The folder of a published classifier."""
    return train(make_pretrained_run(make_run, volume, write_model_folder(tmp_path / "bert")))


def answers(model: Path, task: str) -> list[tuple[Record, Record]]:
    """Return lines, and the answers of `llmtrain predict`."""
    records = [{**RECORDS[task](number), "label": None} for number in range(SAMPLES)]
    source, target = model.parent / "in.jsonl", model.parent / "out.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    predict(model, source, target, text_field="", device=CPU)
    return list(zip(records, map(json.loads, target.read_text().splitlines()), strict=True))


@torch.no_grad()
def logits_of(network: Any, encoded: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the library's outputs for one text; those of start and end beside each other."""
    outputs = network(**encoded)
    return outputs.logits[0] if "logits" in outputs else torch.stack([outputs.start_logits, outputs.end_logits], -1)[0]


def classes(model: Path, tokenizer: Any) -> Iterator[tuple[Any, Any]]:
    network = AutoModelForSequenceClassification.from_pretrained(model)
    assert tuple(network.config.id2label.values()) == LABELS
    for record, answer in answers(model, "classification"):
        encoded = tokenizer(record["text"], truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        probability, number = logits_of(network, encoded).softmax(-1).max(-1)
        expected = LABELS[int(number)], pytest.approx(float(probability), abs=2e-6)
        yield (answer["prediction"], answer["probability"]), expected


def numbers(model: Path, tokenizer: Any) -> Iterator[tuple[Any, Any]]:
    network = AutoModelForSequenceClassification.from_pretrained(model)
    use = json.loads((model / "llmtrain.json").read_text())
    for record, answer in answers(model, "regression"):
        encoded = tokenizer(record["text"], truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        number = float(logits_of(network, encoded)[0]) * use["labelDeviation"] + use["labelMean"]
        yield answer["prediction"], pytest.approx(number, rel=1e-4, abs=1e-4)


def tags(model: Path, tokenizer: Any) -> Iterator[tuple[Any, Any]]:
    network = AutoModelForTokenClassification.from_pretrained(model)
    for record, answer in answers(model, "tagging"):
        # Byte-level tokens have the space before a word.
        words = [word if tokenizer.cls_token else f" {word}" for word in record["text"]]
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        if encoded["input_ids"].shape[1] > MAX_TOKENS:
            continue
        of_tokens, of_words = logits_of(network, encoded).argmax(-1).tolist(), encoded.word_ids()
        firsts = [of_words.index(word) for word in range(len(words))]
        yield answer["prediction"], [network.config.id2label[of_tokens[first]] for first in firsts]


def spans(model: Path, tokenizer: Any) -> Iterator[tuple[Any, Any]]:
    network = AutoModelForQuestionAnswering.from_pretrained(model)
    for record, answer in answers(model, "question-answering"):
        context = record["text"]
        if tokenizer.cls_token:
            encoded = tokenizer(record["question"], context, return_offsets_mapping=True, return_tensors="pt")
            (offsets,), of_texts = encoded.pop("offset_mapping").tolist(), encoded.sequence_ids()
        else:
            asked, read = (tokenizer(text, return_offsets_mapping=True) for text in (record["question"], context))
            ids = [END_OF_TEXT_ID, *asked["input_ids"], END_OF_TEXT_ID, *read["input_ids"]]
            encoded = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
            first = len(ids) - len(read["input_ids"])
            offsets, of_texts = [(0, 0)] * first + read["offset_mapping"], [0] * first + [1] * (len(ids) - first)
        if len(of_texts) > 3 * MAX_TOKENS:
            continue
        logits = logits_of(network, encoded)
        positions = [position for position, text in enumerate(of_texts) if text == 1]
        score, start, last = max(
            (float(logits[start, 0] + logits[last, 1]), start, last)
            for start in positions
            for last in positions
            if last >= start
        )
        is_answered = score >= float(logits[0].sum())
        yield answer["prediction"], context[offsets[start][0] : offsets[last][1]].strip() if is_answered else ""


ORACLES = {"classification": classes, "regression": numbers, "tagging": tags, "question-answering": spans}


@pytest.mark.parametrize("task", ORACLES)
@pytest.mark.parametrize("from_folder", [True, False], ids=["a folder", "bert"])
def test_the_library_gives_the_answers_of_predict(
    train: Train, make_run: MakeRun, volume: Path, tmp_path: Path, task: str, from_folder: bool
) -> None:
    max_tokens = MAX_TOKENS * (3 if task == "question-answering" else 1)
    changes = {"task": task, "training": {"steps": STEPS, "optimizer": {"learningRate": "1e-2"}}}
    if from_folder:
        folder = write_model_folder(tmp_path / "bert", max_position_embeddings=max_tokens)
        run = make_pretrained_run(make_run, volume, folder, max_tokens=max_tokens, **changes)
    else:
        run = make_labelled_run(make_run, volume, name="bert", **changes)
        run = run.model_copy(update={"data": run.data.model_copy(update={"max_tokens": max_tokens})})
    model = train(run)
    found = list(ORACLES[task](model, AutoTokenizer.from_pretrained(model)))
    assert len(found) > SAMPLES // 2
    assert len({str(prediction) for prediction, _ in found}) > 1
    assert [prediction for prediction, _ in found] == [expected for _, expected in found]
    assert (model / "evaluation.json").is_file()
    assert json.loads((model / "llmtrain.json").read_text())["maxTokens"] == max_tokens


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("llmtrain.json", "{}", "is not valid"),
        ("model.safetensors", "x", "holds no model that can be loaded"),
    ],
)
def test_a_damaged_folder_is_refused(model: Path, tmp_path: Path, name: str, content: str, message: str) -> None:
    (model / name).write_text(content)
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(BadInput, match=f"{message}.*; publish the model again"):
        predict(model, tmp_path / "in.jsonl", tmp_path / "out.jsonl", text_field="", device=CPU)
