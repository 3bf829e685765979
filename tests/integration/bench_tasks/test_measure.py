"""A row is measured by the job that it names, its failure is a sentence, and nothing is left of either."""

import dataclasses
import json
from pathlib import Path

import pytest

import bench_tasks.__main__
from bench_tasks.__main__ import measure, report
from bench_tasks.judges import published
from bench_tasks.row import JobRow
from bench_tasks.run import RowFailed
from bench_tasks.simple_models import linear
from bench_tasks.volumes import whole_set
from real_data.cache import Cache, Record
from real_data.readers import Labelled, read_columns

SPEC = {
    "model": {"name": "gru", "width": 16},
    "task": {"name": "classification"},
    "data": {
        "source": {"volume": "datasets", "path": "train.jsonl"},
        "heldOut": {"path": "test.jsonl"},
        "tokenizer": {"vocabSize": 280},
    },
    "training": {"steps": 30, "microbatches": 2, "microbatchSize": 8, "optimizer": {"learningRate": "2e-2"}},
    "checkpoint": {"volume": "checkpoints"},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SmallRow(JobRow):
    """A row whose job is in another folder."""

    folder: Path

    @property
    def job_file(self) -> Path:
        return self.folder / f"{self.name}.yaml"


def read(folder: Path, part: str) -> list[Labelled]:
    return read_columns(folder / f"{part}.jsonl", text="text", label="label")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache with a set named as one of `make data` that has baselines."""
    cache = Cache(tmp_path / "cache")
    folder = cache.set("sarcasm")
    folder.mkdir(parents=True)
    for part, first in (("train", 0), ("test", 200)):
        rows = [{"text": f"{n} was {('good', 'bad')[n % 2]}", "label": "yn"[n % 2]} for n in range(first, first + 160)]
        renamed = [row | {"headline": row["text"], "is_sarcastic": row["label"]} for row in rows]
        (folder / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in renamed))
    (cache.root / "records").mkdir()
    cache.save("sarcasm", Record(key="", counts={}))
    return cache


@pytest.fixture
def row(tmp_path: Path) -> SmallRow:
    document = {"apiVersion": "llmtrain.dev/v1alpha1", "kind": "LLMTrainingJob", "metadata": {"name": "small"}}
    (tmp_path / "small.yaml").write_text(json.dumps(document | {"spec": SPEC}))
    return SmallRow(
        name="small",
        data="sarcasm",
        score="accuracy",
        bound=0.9,
        write=whole_set,
        judge=published,
        baselines=lambda row, job, cache: linear(read, row, job, cache),
        folder=tmp_path,
    )


def test_a_row_has_a_score_with_its_interval_and_baselines(tmp_path: Path, cache: Cache, row: SmallRow) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    measured = measure(row, cache, scratch)
    assert measured.reached, measured
    assert measured.score.low <= measured.score.value <= measured.score.high
    assert measured.samples == 30 * 16
    assert [each.method for each in measured.baselines] == ["majority", "naive Bayes", "logistic regression"]
    assert measured.baselines[0].scores["accuracy"] == 0.5
    assert measured.baselines[2].scores["accuracy"] == 1.0
    assert list(scratch.iterdir()) == []


def test_a_job_that_fails_ends_its_row_with_the_reason(tmp_path: Path, cache: Cache, row: SmallRow) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    without_data = dataclasses.replace(row, write=lambda data, volume: None)
    with pytest.raises(RowFailed, match="is not on volume 'datasets'"):
        measure(without_data, cache, scratch)
    assert list(scratch.iterdir()) == []


def test_a_fault_of_a_row_does_not_end_the_others(
    cache: Cache, row: SmallRow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty(*arguments: object) -> object:
        return {}["score"]

    monkeypatch.setattr(bench_tasks.__main__, "measure", faulty)
    assert report(row) == 1
    assert "task_small failed: KeyError: 'score'" in capsys.readouterr().out


def test_a_set_that_is_not_there_is_named(tmp_path: Path, cache: Cache, row: SmallRow) -> None:
    with pytest.raises(RowFailed, match="the set brown is not there: run `make data SETS='brown'`"):
        measure(dataclasses.replace(row, data="brown"), cache, tmp_path)
