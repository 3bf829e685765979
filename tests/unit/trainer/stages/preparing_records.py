"""Helpers for tests that prepare records: the records of a source, and the dataset that is made of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data.labelled_dataset import LabelledDataset
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, prose

CLASSIFICATION: dict[str, object] = {"task": {"name": "classification"}, "model": {"name": "lstm", "width": 8}}


def rows(count: int, seed: int = 0) -> list[dict[str, str]]:
    labels = ("no", "perhaps", "yes")
    return [{"text": prose(12, seed=seed + number), "label": labels[number % 3]} for number in range(count)]


def write(volume: Path, rows: Sequence[Mapping[str, object]], name: str = "all.jsonl", folder: str = "records") -> None:
    (volume / folder).mkdir(exist_ok=True, parents=True)
    (volume / folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def data(**fields: object) -> dict[str, object]:
    source = {"volume": "datasets", "path": "records"}
    return {"source": source, "tokenizer": {"vocabSize": 280}, "heldOutPercent": 20} | fields


def opened(make_run: MakeRun, log: JsonLog, task: str = "classification", **fields: object) -> LabelledDataset:
    run = make_run(**CLASSIFICATION | {"task": {"name": task}}, data=data(**fields))
    info = prepare(run, log).dataset
    assert info is not None
    return LabelledDataset.open(run.data_directory, info.id, LABEL_KINDS[run.task.name])
