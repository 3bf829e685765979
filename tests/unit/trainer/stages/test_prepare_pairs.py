"""Prepare keeps a text to read and one to write as one sample, with a tokenizer of both."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data import scan
from llmtrain_trainer.data.pair_dataset import PairDataset, Pairs
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, load_tokenizer, save_trained
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages import preparation as stage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, prose
from unit.trainer.stages.preparing_records import data, write

Row = dict[str, object]
PAIRS = {"task": {"name": "translation"}, "model": {"name": "t5"}}


def pairs(count: int) -> list[Row]:
    return [
        {
            "text": prose(3 + number % 9, seed=number).strip(),
            "label": f"ñandú {number} {prose(number % 5, seed=number)}".strip(),
        }
        for number in range(count)
    ]


def opened(make_run: MakeRun, log: JsonLog, **fields: object) -> PairDataset:
    run = make_run(**PAIRS, data=data(**fields))
    info = prepare(run, log).dataset
    assert info is not None
    return PairDataset.open(run.data_directory, info.id)


def texts(dataset: PairDataset, part: Pairs) -> list[tuple[str, str]]:
    """Return the pairs of a part, from their tokens, each of which ends a text with END_OF_TEXT."""
    tokenizer = load_tokenizer(dataset.directory)
    found = []
    for number in range(len(part)):
        sides = [*part.sources([number]), *part.targets([number])]
        assert [side.tolist().index(END_OF_TEXT_ID) for side in sides] == [len(side) - 1 for side in sides]
        found.append(tuple(tokenizer.decode(side.tolist()) for side in sides))
    return found


def test_pairs_come_back(make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pairs(300)
    write(volume, made)
    dataset = opened(make_run, log)
    training, held_out = texts(dataset, dataset.training), texts(dataset, dataset.held_out)
    assert sorted(training + held_out) == sorted((row["text"], row["label"]) for row in made)
    assert [dataset.texts.document(number) for number in range(len(dataset.texts))] == held_out
    assert (dataset.info.samples, dataset.info.held_out_samples, dataset.info.classes) == (240, 60, 0)
    lengths = [len(target) for target in dataset.training.targets(range(240))]
    assert (dataset.training.target_tokens, dataset.training.longest_target) == (sum(lengths), max(lengths))
    before = {path.name: path.read_bytes() for path in dataset.directory.iterdir()}
    (dataset.directory / "dataset.json").unlink()
    monkeypatch.setattr(scan, "UNIT_BYTES", 2048)
    monkeypatch.setattr(stage, "UNIT_BYTES", 2048)
    opened(make_run, log)
    assert {path.name: path.read_bytes() for path in dataset.directory.iterdir()} == before


def test_the_tokenizer_knows_what_only_targets_have(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, pairs(300))
    tokenizer = load_tokenizer(opened(make_run, log).directory)
    assert len(tokenizer.encode("ñandú", add_special_tokens=False).ids) == 1


def test_long_texts_are_cut_and_counted(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(
        volume,
        [row | {"text": f"{number} " + "fox " * (80 if number < 5 else 2)} for number, row in enumerate(pairs(60))],
    )
    dataset = opened(make_run, log, maxTokens=60)
    assert dataset.info.shortened == 5
    for part in (dataset.training, dataset.held_out):
        sides = [*part.sources(range(len(part))), *part.targets(range(len(part)))]
        assert max(map(len, sides)) == 60
        assert {int(side[-1]) for side in sides} == {END_OF_TEXT_ID}


def test_the_whole_target_is_kept_to_judge_by(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, [row | {"label": "word " * 30 + str(number)} for number, row in enumerate(pairs(40))])
    dataset = opened(make_run, log, maxTokens=8)
    assert all(len(dataset.texts.document(number)[1].split()) == 31 for number in range(len(dataset.texts)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"text": "", "label": "b"}, r"'all\.jsonl', line 4: no text in 'text'"),
        ({"text": "a", "label": " "}, r"'all\.jsonl', line 4: no text in 'label'"),
        ({"text": "a"}, r"'all\.jsonl', line 4: no text in 'label'; the object has 'text'"),
        ({"text": "a", "label": ["b"]}, r"'all\.jsonl', line 4: no text in 'label'"),
    ],
)
def test_a_record_without_one_of_its_texts_is_named_or_skipped(
    make_run: MakeRun, log: JsonLog, volume: Path, bad: Row, message: str
) -> None:
    rows = pairs(40)
    write(volume, [*rows[:3], bad, *rows[3:]])
    with pytest.raises(BadInput, match=message):
        opened(make_run, log)
    dataset = opened(make_run, log, onBadRecord="Skip")
    assert dataset.info.samples + dataset.info.held_out_samples == 40
    assert sum(json.loads((dataset.directory / "report.json").read_text())["badRecords"].values()) == 1


def test_a_table_without_one_of_the_columns_is_refused_with_those_it_has(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    (volume / "records").mkdir()
    (volume / "records" / "all.tsv").write_text("en\tes\n" + "a\tb\n" * 9)
    with pytest.raises(
        BadInput, match=r"^spec\.data\.columns\.label: 'all\.tsv' has no column 'de' .* name one of 'en', 'es'"
    ):
        opened(make_run, log, columns={"text": "en", "label": "de"})


def test_a_file_of_no_format_is_refused(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (volume / "records" / "part").mkdir(parents=True)
    (volume / "records" / "part" / "all.en").write_text("a\n")
    with pytest.raises(
        BadInput, match=r"'part/all\.en' is no \.jsonl, .* and no file that spec\.data\.columns names; name the format"
    ):
        opened(make_run, log)


PARALLEL: dict[str, object] = {"format": "Parallel", "columns": {"text": "train.en", "label": "train.de"}}


def write_parallel(folder: Path, word: str = "fuchs", seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.en").write_text("".join(f"{prose(5, seed=seed + n).strip()} {seed + n}\n" for n in range(40)))
    write_labels(folder, word)


def write_labels(folder: Path, word: str) -> None:
    (folder / "train.de").write_text("".join(f"{word} {number}\n" for number in range(40)))


def labels(dataset: PairDataset) -> set[str]:
    return {label.split()[0] for part in (dataset.training, dataset.held_out) for _, label in texts(dataset, part)}


@pytest.mark.parametrize("format", ["Parallel", "Auto"])
@pytest.mark.parametrize("name", ["train.en", "train.de"])
def test_a_source_that_is_one_file_of_two_is_both_and_read_again_if_the_other_changes(
    make_run: MakeRun, log: JsonLog, volume: Path, format: str, name: str
) -> None:
    fields = PARALLEL | {"format": format, "source": {"volume": "datasets", "path": f"records/{name}"}}
    write_parallel(volume / "records")
    assert labels(opened(make_run, log, **fields)) == {"fuchs"}
    write_labels(volume / "records", "katze")
    assert labels(opened(make_run, log, **fields)) == {"katze"}


def test_held_out_pairs_that_are_named_by_one_file_are_read_again_if_the_other_changes(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    fields = PARALLEL | {"heldOut": {"path": "dev/train.en"}}
    write_parallel(volume / "records")
    write_parallel(volume / "dev", "hund", seed=100)
    assert labels(opened(make_run, log, **fields)) == {"fuchs", "hund"}
    write_labels(volume / "dev", "katze")
    assert labels(opened(make_run, log, **fields)) == {"fuchs", "katze"}


def test_the_other_file_that_changes_while_pairs_are_prepared_is_a_changed_text(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parallel(volume / "records")

    def change(tokenizer: Tokenizer, directory: Path) -> None:
        save_trained(tokenizer, directory)
        write_labels(volume / "records", "katze")

    monkeypatch.setattr(stage, "save_trained", change)
    with pytest.raises(
        TrainerError, match=r"^the text changed while it was prepared, at 'train\.de'; it is read again$"
    ):
        opened(make_run, log, **PARALLEL | {"source": {"volume": "datasets", "path": "records/train.en"}})


def test_the_other_file_may_not_be_a_link_out_of_the_volume(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_parallel(volume / "records")
    outside = (volume / "records" / "train.de").rename(tmp_path_factory.mktemp("outside") / "train.de")
    (volume / "records" / "train.de").symlink_to(outside)
    with pytest.raises(BadInput, match=r"^spec\.data\.source\.path: 'train\.de' .* is a link that leads out of"):
        opened(make_run, log, **PARALLEL | {"source": {"volume": "datasets", "path": "records/train.en"}})


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_two_pairs_may_share_a_file(
    make_run: MakeRun, log: JsonLog, volume: Path, link: Callable[[Path, Path], None]
) -> None:
    write_parallel(volume / "records" / "a")
    write_parallel(volume / "records" / "b", "renard")
    (volume / "records" / "b" / "train.en").unlink()
    link(volume / "records" / "a" / "train.en", volume / "records" / "b" / "train.en")
    assert labels(opened(make_run, log, **PARALLEL | {"duplicates": "Keep"})) == {"fuchs", "renard"}
