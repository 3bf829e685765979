"""Helpers for tests of the prepare stage: a prepared dataset, its documents and its warnings."""

import io
import json

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, load_tokenizer
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun


def prepared(make_run: MakeRun, log: JsonLog, **parts: object) -> Dataset:
    run = make_run(**parts)
    return Dataset.open(run.data_directory, described(make_run, log, **parts).id)


def described(make_run: MakeRun, log: JsonLog, **parts: object) -> DatasetInfo:
    outcome = prepare(make_run(**parts), log)
    assert outcome.dataset is not None
    return outcome.dataset


def data(**fields: object) -> dict[str, object]:
    return {"source": {"volume": "datasets", "path": "text"}, "tokenizer": {"vocabSize": 300}} | fields


def documents(dataset: Dataset) -> list[str]:
    """Return the text of each document, as the tokens have it."""
    tokenizer, found, ids = load_tokenizer(dataset.directory), [], []
    for token in [*dataset.training.tolist(), *dataset.held_out.tolist()]:
        if token == END_OF_TEXT_ID:
            found.append(tokenizer.decode(ids, skip_special_tokens=False))
            ids = []
        else:
            ids.append(token)
    assert not ids
    return found


def warnings(lines: io.StringIO) -> list[str]:
    parsed = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line["message"] for line in parsed if line["level"] == "warning"]
