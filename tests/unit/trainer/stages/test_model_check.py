"""Prepare with a model from a folder: tokens are those of `transformers`, and what can't be used is refused before a worker starts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data.labelled_dataset import LabelledDataset
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages.model_check import require_model
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.stages.shapes import sample_shape
from support.bert_folder import SPECIAL, write_tokenizer
from support.exact_tasks import make_exact_job, tasks_and_models
from unit.trainer.builders import MakeRun, prepared_id
from unit.trainer.labelled_jobs import RECORDS, classified, make_pretrained_run, write_model_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model_folder(tmp_path / "bert")


def test_tokens_are_those_of_transformers(make_run: MakeRun, log: JsonLog, volume: Path, folder: Path) -> None:
    run = make_pretrained_run(make_run, volume, folder)
    dataset = LabelledDataset.open(run.data_directory, prepared_id(run, log), "class")
    found = [
        tuple(samples.tokens[start:stop].tolist())
        for samples in (dataset.training, dataset.held_out)
        for start, stop in zip(samples.offsets[:-1], samples.offsets[1:], strict=True)
    ]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [classified(number)["text"] for number in range(200)]
    expected = tokenizer(texts, truncation=True, max_length=12)["input_ids"]
    assert sorted(found) == sorted(map(tuple, expected))
    full = sum(len(tokens) > 12 for tokens in tokenizer(texts)["input_ids"])
    assert 0 < full == dataset.info.shortened
    assert dataset.info.vocab_size == len(tokenizer)


def test_datasets_differ_by_tokenizer_and_not_by_weights(
    make_run: MakeRun, log: JsonLog, volume: Path, folder: Path, tmp_path: Path
) -> None:
    run = make_pretrained_run(make_run, volume, folder)
    first = prepared_id(run, log)
    weights = write_model_folder(tmp_path / "other", seed=1)
    assert prepared_id(make_pretrained_run(make_run, volume, weights), log) == first
    tokens = [*SPECIAL, *json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]]
    write_tokenizer(weights, list(dict.fromkeys(tokens))[:-1])
    assert prepared_id(make_pretrained_run(make_run, volume, weights), log) != first


@pytest.mark.parametrize("task", RECORDS)
def test_each_task_of_records_can_be_learned_from_a_folder(
    make_run: MakeRun, log: JsonLog, volume: Path, folder: Path, task: str
) -> None:
    assert prepared_id(make_pretrained_run(make_run, volume, folder, task=task, max_tokens=24), log)


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "can't be loaded"),
        (
            lambda folder: write_tokenizer(folder, [*SPECIAL, *map(str, range(999))]),
            "and the embedding of the model only",
        ),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "do not fit its config.json"),
        (lambda folder: change_config(folder, max_position_embeddings="512"), "describes no model"),
        (lambda folder: change_config(folder, num_hidden_layers=None), "describes no model"),
        (
            lambda folder: change_config(folder, quantization_config={"quant_method": "bitsandbytes"}),
            "has quantization_config",
        ),
        (lambda folder: change_config(folder, pad_token_id=-1), "has no pad_token_id of the embedding"),
        (lambda folder: change_config(folder, hidden_act="unknown"), "can't be computed: "),
        (lambda folder: change_config(folder, num_attention_heads=7), "can't be computed: "),
        (shutil.rmtree, "is no folder"),
    ],
)
def test_a_folder_that_can_not_be_used_is_refused(
    make_run: MakeRun,
    log: JsonLog,
    volume: Path,
    folder: Path,
    damage: Callable[[Path], object],
    message: str,
) -> None:
    run = make_pretrained_run(make_run, volume, folder)
    damage(folder)
    with pytest.raises(BadInput) as error:
        prepare(run, log)
    assert str(error.value).startswith("spec.model.from: ")
    assert message in str(error.value)


def test_only_the_shape_is_needed_for_fresh_weights(
    make_run: MakeRun, log: JsonLog, volume: Path, folder: Path
) -> None:
    (folder / "model.safetensors").unlink()
    assert prepared_id(make_pretrained_run(make_run, volume, folder, weights="Fresh"), log)
    with pytest.raises(BadInput, match=r"has no model\.safetensors"):
        prepare(make_pretrained_run(make_run, volume, folder), log)


@pytest.mark.parametrize(("task", "model"), tasks_and_models())
def test_every_task_takes_the_models_whose_jobs_are_compared(tmp_path: Path, task: str, model: str) -> None:
    run = make_exact_job(tmp_path, tmp_path, task, model).run
    require_model(run, sample_shape(run))
