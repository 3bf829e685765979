"""The sources of a mixture are prepared once, for any weights, each with its own share that is held out."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset, prepared_root
from llmtrain_trainer.data.labelled_dataset import LabelledDataset
from llmtrain_trainer.data.report import REPORT_FILE, DataReport
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import preparation
from llmtrain_trainer.stages.epochs import with_steps
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, prose
from unit.trainer.stages import preparing_records
from unit.trainer.stages.preparing import data
from unit.trainer.stages.preparing_records import CLASSIFICATION, rows, write

WEIGHTS = {"wiki": 1, "books": 3}


@pytest.fixture
def sources(volume: Path) -> Path:
    """A large and a small source, the latter one file."""
    for name, files in (("books", 6), ("wiki", 1)):
        (volume / "text" / name).mkdir()
        for number in range(files):
            text = prose(1500, seed=10 * files + number)
            (volume / "text" / name / f"{number}.txt").write_text(text.replace("fox", name).replace("dog", name))
    return volume


def mixed(make_run: MakeRun, weights: Mapping[str, int] = WEIGHTS, **parts: object) -> RunConfig:
    return make_run(data=data(mixture=dict(weights)), **parts)


def opened(run: RunConfig, log: JsonLog) -> Dataset:
    info = prepare(run, log).dataset
    assert info is not None
    return Dataset.open(run.data_directory, info.id)


def test_the_tokens_of_each_source_are_together_and_some_of_each_are_held_out(
    make_run: MakeRun, log: JsonLog, sources: Path
) -> None:
    dataset = opened(mixed(make_run), log)
    assert [source.name for source in dataset.sources] == ["books", "wiki"]
    tokenizer, first, first_held_out = load_tokenizer(dataset.directory), 0, 0
    for source, other in zip(dataset.sources, ("wiki", "books"), strict=True):
        parts = dataset.training[first : first + source.tokens], dataset.held_out[first_held_out:]
        for tokens in (parts[0], parts[1][: source.held_out_tokens]):
            text = tokenizer.decode(tokens.tolist())
            assert source.name in text
            assert other not in text
        assert 0.02 < source.held_out_tokens / (source.tokens + source.held_out_tokens) < 0.2
        first, first_held_out = first + source.tokens, first_held_out + source.held_out_tokens
    assert (first, first_held_out) == (len(dataset.training), len(dataset.held_out))


def test_other_weights_prepare_nothing(
    make_run: MakeRun, log: JsonLog, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(mixed(make_run), log)
    monkeypatch.setattr(preparation, "scan_unit", lambda task: pytest.fail("read the text again"))
    assert opened(mixed(make_run, {"books": 1, "wiki": 1000}), log).info == first.info
    (only,) = (path for path in prepared_root(str(sources)).iterdir() if not path.name.startswith("."))
    assert only == first.directory


def test_the_sources_by_themselves_are_other_datasets(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    found = [
        prepare(run, log).dataset
        for run in (
            mixed(make_run),
            mixed(make_run, {"books": 3}),
            make_run(data=data(source={"volume": "datasets", "path": "text/books"})),
        )
    ]
    assert len({info.id for info in found if info}) == 3


def test_the_report_and_the_message_count_each_source(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    outcome = prepare(mixed(make_run), log)
    assert outcome.dataset is not None
    directory = prepared_root(str(sources)) / outcome.dataset.id
    report = DataReport.model_validate_json((directory / REPORT_FILE).read_text())
    assert [(source.name, source.files, source.documents, source.held_out) for source in report.sources] == [
        ("books", 6, 6, 1),
        ("wiki", 1, 1, 1),
    ]
    assert sum(source.size for source in report.sources) == report.size
    page = (directory / "report.html").read_text()
    assert "books" in page
    assert "; books has " in outcome.message
    assert ", wiki has " in outcome.message


def test_a_text_of_two_sources_belongs_to_the_first(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    (sources / "text" / "wiki" / "copy.txt").write_bytes((sources / "text" / "books" / "3.txt").read_bytes())
    dataset = opened(mixed(make_run), log)
    text = load_tokenizer(dataset.directory).decode([*dataset.training.tolist(), *dataset.held_out.tolist()])
    assert text.count((sources / "text" / "books" / "3.txt").read_text()[200:400]) == 1
    report = DataReport.model_validate_json((dataset.directory / REPORT_FILE).read_text())
    assert [source.documents for source in report.sources] == [6, 1]
    assert report.duplicates == 1


def test_copies_that_are_kept_are_on_one_side(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    for number in range(6):
        copied = (sources / "text" / "books" / f"{number}.txt").read_bytes()
        (sources / "text" / "wiki" / f"copy-{number}.txt").write_bytes(copied)
    dataset = opened(make_run(data=data(mixture=WEIGHTS, duplicates="Keep", heldOutPercent=20)), log)
    report = DataReport.model_validate_json((dataset.directory / REPORT_FILE).read_text())
    assert [source.documents for source in report.sources] == [6, 7]
    tokenizer = load_tokenizer(dataset.directory)
    sides = [tokenizer.decode(tokens.tolist()) for tokens in (dataset.training, dataset.held_out)]
    for number in range(6):
        middle = (sources / "text" / "books" / f"{number}.txt").read_text()[3000:3200]
        assert sorted(side.count(middle) for side in sides) == [0, 2]


def test_an_epoch_has_the_samples_of_all_sources(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    run = mixed(make_run, training={"epochs": 2, "microbatches": 1, "microbatchSize": 1})
    dataset = opened(run, log)
    length = run.model.context_length
    assert length is not None
    windows = sum((source.tokens - 1) // length for source in dataset.sources)
    assert with_steps(run, dataset.info.id).training.steps == 2 * windows


def test_a_source_that_is_not_there_is_named_with_those_that_are(
    make_run: MakeRun, log: JsonLog, sources: Path
) -> None:
    with pytest.raises(
        BadInput, match=r"^spec\.data\.mixture: 'boks' is not in 'text' on volume 'datasets', which has"
    ) as error:
        prepare(mixed(make_run, {"boks": 1, "wiki": 1}), log)
    assert ", file-7.txt, wiki; correct the key" in str(error.value)


def test_a_source_without_text_is_named(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    (sources / "text" / "empty").mkdir()
    with pytest.raises(BadInput, match=r"^spec\.data\.mixture: no text files under 'text/empty' on volume 'datasets'"):
        prepare(mixed(make_run, {"empty": 1, "wiki": 1}), log)


def test_a_source_shorter_than_a_window_is_named(make_run: MakeRun, log: JsonLog, sources: Path) -> None:
    (sources / "text" / "short.txt").write_text("too short")
    with pytest.raises(BadInput, match=r"^spec\.data\.mixture: 'short\.txt' has only \d+ tokens to train on"):
        prepare(mixed(make_run, {"short.txt": 1, "wiki": 1}), log)


@pytest.mark.parametrize("weights", [WEIGHTS, {"books/0.txt": 1, "wiki/bad.txt": 1}], ids=["directories", "files"])
def test_a_bad_file_is_named_with_its_source(
    weights: Mapping[str, int], make_run: MakeRun, log: JsonLog, sources: Path
) -> None:
    (sources / "text" / "wiki" / "bad.txt").write_bytes(b"good \xff bad" * 100)
    with pytest.raises(BadInput, match=r"'wiki/bad\.txt', byte 5: not UTF-8"):
        prepare(make_run(data=data(mixture=weights, onBadText="Fail")), log)


def test_records_of_several_sources_have_one_set_of_labels(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, rows(60), folder="records/a")
    write(volume, [{**row, "label": "other"} for row in rows(20, seed=500)], folder="records/b")
    run = make_run(**CLASSIFICATION, data=preparing_records.data(mixture={"b": 5, "a": 1}))
    info = prepare(run, log).dataset
    assert info is not None
    dataset = LabelledDataset.open(run.data_directory, info.id, "class")
    assert dataset.label_set.names == ("no", "other", "perhaps", "yes")
    assert [(each.name, each.samples, each.held_out_samples) for each in dataset.sources] == [
        ("a", 48, 12),
        ("b", 16, 4),
    ]
    assert set(dataset.training.labels[48:].tolist()) == {1}
    assert 1 not in dataset.training.labels[:48].tolist()


def test_labels_are_directories_within_each_source(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    for number in range(40):
        folder = volume / "records" / ("a", "b")[number // 20] / ("pos", "neg")[number % 2]
        folder.mkdir(exist_ok=True, parents=True)
        (folder / f"{number}.txt").write_text(prose(20, seed=number))
    run = make_run(**CLASSIFICATION, data=preparing_records.data(mixture={"a": 1, "b": 2}))
    info = prepare(run, log).dataset
    assert info is not None
    assert LabelledDataset.open(run.data_directory, info.id, "class").label_set.names == ("neg", "pos")


def test_records_that_are_held_out_by_name_are_of_no_source(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    for folder, seed in (("records/a", 0), ("records/b", 500), ("test", 900)):
        write(volume, rows(30, seed=seed), folder=folder)
    fields = preparing_records.data(mixture={"b": 5, "a": 1}, heldOut={"path": "test"})
    fields.pop("heldOutPercent")
    run = make_run(**CLASSIFICATION, data=fields)
    info = prepare(run, log).dataset
    assert info is not None
    assert info.held_out_samples == 30
    file = json.loads((prepared_root(run.data_directory) / info.id / "dataset.json").read_text())
    assert [(each["samples"], each["heldOutSamples"]) for each in file["sources"]] == [(30, 0), (30, 0)]
