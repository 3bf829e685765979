"""Prepare makes labelled sequences of records: tokens, offsets and labels, the same whatever the shards."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data import records as record_files
from llmtrain_trainer.data import scan
from llmtrain_trainer.data.dataset import prepared_root
from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples
from llmtrain_trainer.data.tokenizer import load_tokenizer, save_trained
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages import preparation as stage
from llmtrain_trainer.stages import trained_tokenizer
from unit.trainer.builders import MakeRun
from unit.trainer.stages.preparing_records import opened, rows, write


def texts(dataset: LabelledDataset, part: LabelledSamples) -> list[tuple[str, str]]:
    tokenizer = load_tokenizer(dataset.directory)
    return [
        (tokenizer.decode(part.batch([number])[0].tolist()), dataset.label_set.names[part.labels[number]])
        for number in range(len(part))
    ]


def test_every_record_comes_back_with_its_label(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    made = rows(60)
    write(volume, [*made, *made[:5]])
    dataset = opened(make_run, log)
    found = texts(dataset, dataset.training) + texts(dataset, dataset.held_out)
    assert sorted(found) == sorted((row["text"], row["label"]) for row in made)
    assert dataset.label_set.names == ("no", "perhaps", "yes")
    info = dataset.info
    assert (len(dataset.training), len(dataset.held_out)) == (info.samples, info.held_out_samples) == (48, 12)
    assert (info.classes, sum(dataset.training_counts), info.tokens) == (3, 48, len(dataset.training.tokens))


def test_shards_and_the_order_of_files_do_not_change_a_sample(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(volume, rows(300))
    first = opened(make_run, log)
    before = {path.name: path.read_bytes() for path in first.directory.iterdir()}
    (first.directory / "dataset.json").unlink()
    monkeypatch.setattr(scan, "UNIT_BYTES", 2048)
    monkeypatch.setattr(stage, "UNIT_BYTES", 2048)
    monkeypatch.setattr(record_files.RecordReader.__init__, "__kwdefaults__", {"piece_characters": 20})
    second = opened(make_run, log)
    assert {path.name: path.read_bytes() for path in second.directory.iterdir()} == before


def test_a_long_text_is_cut_and_counted(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, rows(40))
    whole, cut = opened(make_run, log), opened(make_run, log, maxTokens=7)
    assert (whole.info.shortened, cut.info.shortened) == (0, 40)
    assert set(cut.training.lengths(range(len(cut.training))).tolist()) == {7}
    tokens = np.concatenate([part.batch([number])[0, :7] for part in (whole.training,) for number in range(len(part))])
    assert (tokens == cut.training.tokens).all()


def test_records_held_out_by_name_are_judged_and_never_trained_on(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    write(volume, rows(40))
    write(volume, [*rows(10, seed=500), *rows(5)], folder="judged")
    dataset = opened(make_run, log, heldOut={"path": "judged"}, heldOutPercent=5)
    assert len(dataset.held_out) == 15
    assert not {text for text, _ in texts(dataset, dataset.training)} & {row["text"] for row in rows(5)}
    assert len(dataset.training) == 35


@pytest.mark.parametrize(
    ("made", "fields", "message"),
    [
        (
            [{"text": f"a {number}", "label": "x"} for number in range(3)],
            {},
            "all 3 records have the label 'x', so there is nothing",
        ),
        (
            [{"text": "a b"}],
            {},
            r"spec\.data: 'all\.jsonl', line 1: no label in 'label'; the object has 'text'; correct the file, or set spec\.data\.onBadRecord to Skip",
        ),
        (
            [{"text": f"a {number}", "label": f"l{number}"} for number in range(1001)],
            {},
            r"spec\.data\.columns\.label: more than 1000 different labels, such as 'l0'",
        ),
        (
            rows(30),
            {"heldOut": {"path": "nowhere"}, "heldOutPercent": 5},
            r"spec\.data\.heldOut\.path: 'nowhere' is not on volume",
        ),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(
    make_run: MakeRun, log: JsonLog, volume: Path, made: list[dict[str, str]], fields: dict[str, object], message: str
) -> None:
    write(volume, made)
    with pytest.raises(BadInput, match=message):
        opened(make_run, log, **fields)


@pytest.mark.parametrize("line", ["", "{}\n"])
def test_held_out_files_without_a_record_are_refused_and_not_replaced_by_a_percentage(
    make_run: MakeRun, log: JsonLog, volume: Path, line: str
) -> None:
    write(volume, rows(30))
    write(volume, [], folder="judged")
    (volume / "judged" / "all.jsonl").write_text(f"{line}\n")
    with pytest.raises(BadInput, match=r"^spec\.data\.heldOut\.path: 'judged' has no record; name a file or directory"):
        opened(make_run, log, heldOut={"path": "judged"}, heldOutPercent=5, onBadRecord="Skip")


def test_a_held_out_label_that_is_not_trained_on_is_refused(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, rows(30))
    write(volume, [{"text": "a new text", "label": "new"}], folder="judged")
    with pytest.raises(BadInput, match=r"spec\.data\.heldOut\.path: 1 records have the label 'new', which no record"):
        opened(make_run, log, heldOut={"path": "judged"}, heldOutPercent=5)


def test_bad_records_are_skipped_and_counted_by_reason(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO
) -> None:
    write(volume, [*rows(30), {"text": "x"}, {"text": " ", "label": "no"}, {"label": "no"}])
    with (volume / "records" / "all.jsonl").open("a") as file:
        file.write("{\n")
    dataset = opened(make_run, log, onBadRecord="Skip")
    report = json.loads((dataset.directory / "report.json").read_text())
    assert report["badRecords"] == {"brokenRecord": 1, "noLabel": 1, "noText": 2}
    assert (report["leftOut"], dataset.info.samples + dataset.info.held_out_samples) == (4, 30)
    assert [finding["line"] for finding in report["findings"]] == [31, 32, 33, 34]


def test_a_class_without_held_out_records_is_a_finding(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO
) -> None:
    write(volume, [*rows(40), {"text": "one of its kind", "label": "rare"}])
    dataset = opened(make_run, log)
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    missing = [(line["label"], line["part"]) for line in found if line["event"] == "classMissing"]
    assert missing in ([("rare", "heldOut")], [("rare", "training")])
    assert dataset.info.missing_class in (
        "no record to train on has the label 'rare'",
        "no record that is held out has the label 'rare'",
    )


def test_an_unfinished_dataset_is_continued(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(volume, rows(40))
    with monkeypatch.context() as patch:
        patch.setattr("llmtrain_trainer.data.assembly.save_tokenizer", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            opened(make_run, log)
    monkeypatch.setattr(trained_tokenizer, "train_for", lambda *arguments, **options: pytest.fail("trained again"))
    monkeypatch.setattr("llmtrain_trainer.data.shards.load_tokenizer", lambda *_: pytest.fail("tokenized again"))
    dataset = opened(make_run, log)
    assert [path.name for path in prepared_root(make_run().data_directory).iterdir()] == [dataset.info.id]


def test_a_label_that_changes_while_records_are_prepared_is_a_changed_text(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(volume, rows(30))

    def change(*arguments: object) -> None:
        write(volume, [row | {"label": "changed"} for row in rows(30)])

    monkeypatch.setattr(stage, "save_trained", lambda *arguments: (save_trained(*arguments), change()))
    with pytest.raises(
        TrainerError, match=r"^the text changed while it was prepared, at 'all\.jsonl'; it is read again$"
    ):
        opened(make_run, log)


NEARLY = "is nearly the same text as another one and differs from it in nothing but a few of its many words"


@pytest.mark.parametrize(
    ("duplicates", "counted"), [("Keep", (64, 0, 0)), ("Drop", (62, 2, 0)), ("DropNear", (61, 2, 1))]
)
def test_copies_and_near_copies_are_kept_or_left_out_and_counted(
    make_run: MakeRun, log: JsonLog, volume: Path, duplicates: str, counted: tuple[int, int, int]
) -> None:
    made = rows(60)
    nearly = [{"text": f"This {NEARLY}", "label": "yes"}, {"text": f"That {NEARLY}!", "label": "no"}]
    write(volume, [*made, *nearly, made[3] | {"label": "no"}, made[4]])
    dataset = opened(make_run, log, duplicates=duplicates)
    report = json.loads((dataset.directory / "report.json").read_text())
    assert (report["documents"], report["duplicates"], report["nearDuplicates"]) == counted
    assert dataset.info.samples + dataset.info.held_out_samples == counted[0]


def test_what_is_nearly_held_out_by_name_is_not_trained_on(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, [*rows(30), {"text": f"This {NEARLY}", "label": "yes"}])
    write(volume, [*rows(9, seed=900), {"text": f"That {NEARLY}", "label": "yes"}], folder="judged")
    dataset = opened(make_run, log, heldOut={"path": "judged"}, heldOutPercent=5, duplicates="DropNear")
    assert (dataset.info.samples, dataset.info.held_out_samples) == (30, 10)


def test_personal_data_of_records_are_masked_in_messages_too(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO
) -> None:
    write(volume, [*rows(30), {"text": "ask a@b.example", "label": "no"}, {"text": "a text", "c@d.example": "x"}])
    (volume / "records" / "yes").mkdir()
    (volume / "records" / "yes" / "a.txt").write_text("from 10.0.0.1")
    dataset = opened(make_run, log, personalData="Mask", onBadRecord="Skip")
    report = json.loads((dataset.directory / "report.json").read_text())
    assert report["masked"] == {"email": 1, "ip": 1}
    assert "the object has 'text', '[EMAIL]'" in lines.getvalue()
    found = [text for part in (dataset.training, dataset.held_out) for text, _ in texts(dataset, part)]
    assert {"ask [EMAIL]", "from [IP]"} <= set(found)
