"""The page of a dataset has its numbers, its labels and some samples, of which the learned tokens are marked."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import prepared_root, read_dataset_file
from llmtrain_trainer.data.labelled_dataset import open_offsets
from llmtrain_trainer.stages import data_page
from llmtrain_trainer.stages import shown_samples as shown
from llmtrain_trainer.stages.data_page import REPORT_PAGE
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.stages.shown_samples import ShownSample, shown_samples
from unit.trainer.builders import MakeRun, prepared_id
from unit.trainer.labelled_jobs import RECORDS, make_labelled_run
from unit.trainer.pair_jobs import TARGETS, make_pair_run


def directory_of(run: RunConfig, log: JsonLog) -> Path:
    return prepared_root(run.data_directory) / prepared_id(run, log)


def samples_of(run: RunConfig, log: JsonLog) -> list[ShownSample]:
    directory = directory_of(run, log)
    file = read_dataset_file(directory)
    assert file is not None
    return shown_samples(run, directory, file)


def learned_text(sample: ShownSample) -> str:
    return "".join(text for text, learned in zip(sample.texts, sample.learned, strict=True) if learned)


@pytest.mark.parametrize("name", RECORDS)
def test_learned_tokens_of_records_are_marked(make_run: MakeRun, log: JsonLog, volume: Path, name: str) -> None:
    samples = samples_of(make_labelled_run(make_run, volume, name), log)
    records = [RECORDS[name](number) for number in range(200)]
    assert len(samples) == shown.SAMPLES
    for sample in samples:
        text = "".join(sample.texts)
        if name == "tagging":
            (record,) = [each for each in records if " ".join(each["text"]) == text.strip()]
            assert sample.label == " ".join(record["label"])
            assert sum(sample.learned) == len(record["text"])
        elif name == "question-answering":
            (record,) = [each for each in records if each["text"] in text]
            answer = record["label"][0]["text"] if record["label"] else ""
            assert (learned_text(sample).strip(), sample.label) == (answer, "" if answer else "no answer")
        else:
            (record,) = [each for each in records if each["text"] == text]
            assert sample.label == (record["label"] if name == "classification" else repr(float(record["label"])))
            assert not any(sample.learned)


def test_of_a_pair_the_text_to_write_is_learned(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    for sample in samples_of(make_pair_run(make_run, volume), log):
        assert learned_text(sample).removesuffix("<|endoftext|>") in TARGETS


def test_of_running_text_every_token_is_learned(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    samples = samples_of(make_run(), log)
    assert len(samples) == shown.SAMPLES
    assert all(all(sample.learned) and len(sample.texts) == shown.TOKENS for sample in samples)
    text = "".join(path.read_text() for path in sorted((volume / "text").iterdir()))
    assert all("".join(sample.texts).partition("<|endoftext|>")[0] in text for sample in samples)


def test_of_a_user_all_but_the_first_item_is_learned(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (volume / "events").mkdir()
    lines = (
        json.dumps({"user": user, "item": f"film{(user + time) % 9}", "time": time}) + "\n"
        for user in range(20)
        for time in range(6)
    )
    (volume / "events" / "all.jsonl").write_text("".join(lines))
    run = make_run(task={"name": "recommendation"}, data={"source": {"volume": "datasets", "path": "events"}})
    for sample in samples_of(run, log):
        assert sample.learned == [False, True, True, True, True]
        assert len("".join(sample.texts).split()) == 5


def test_the_page_has_numbers_labels_lengths_and_samples(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_labelled_run(make_run, volume, "tagging")
    path = directory_of(run, log) / REPORT_PAGE
    written = path.read_text()
    for part in ("<td>heldOutSamples</td>", "<td>documents</td>", "I-LONG", "Lengths of training samples", "label: "):
        assert part in written, part
    assert re.search(r'<td>documents</td><td class="number">200</td>', written)
    assert 'class="token learned"' in written
    path.unlink()
    prepare(run, log)
    assert path.read_text() == written
    path.write_text("kept")
    prepare(run, log)
    assert path.read_text() == "kept"


def test_lengths_are_counted_in_blocks(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = directory_of(make_labelled_run(make_run, volume), log) / REPORT_PAGE
    written = path.read_text()
    lengths = np.diff(open_offsets(path.parent, "training.bin"))
    assert f"mean {lengths.mean():.1f}, median {sorted(lengths)[79]}, longest {lengths.max()}" in written
    assert f'<td>9 – 16</td><td class="number">{np.count_nonzero((lengths > 8) & (lengths <= 16))}</td>' in written
    path.unlink()
    monkeypatch.setattr(data_page, "BLOCK", 7)
    prepare(make_labelled_run(make_run, volume), log)
    assert path.read_text() == written


def test_a_volume_that_can_not_be_written_has_no_page(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_labelled_run(make_run, volume)
    path = directory_of(run, log) / REPORT_PAGE
    path.unlink()

    def fail(*arguments: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("llmtrain_trainer.stages.data_page.write_atomically", fail)
    assert prepare(run, log).dataset is not None
    assert not path.exists()
