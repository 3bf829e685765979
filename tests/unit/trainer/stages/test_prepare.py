"""Text is prepared once for the same text and settings; an incomplete dataset is prepared again and never used."""

import errno
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data import assembly, shards, text_shape
from llmtrain_trainer.data.dataset import Dataset, prepared_root
from llmtrain_trainer.data.processes import Part
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages import preparation as stage
from llmtrain_trainer.stages import trained_tokenizer
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun
from unit.trainer.stages.preparing import described, prepared, warnings


def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "scan_unit", lambda task: pytest.fail("read the text again"))


def test_a_job_whose_dataset_exists_reads_no_text(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = described(make_run, log)
    no_reading(monkeypatch)
    assert described(make_run, log) == first


def test_files_with_other_times_are_read_but_not_tokenized_again(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = described(make_run, log)
    os.utime(volume / "text" / "file-0.txt", (1, 1))
    monkeypatch.setattr(trained_tokenizer, "train_for", lambda *arguments, **options: pytest.fail("tokenized again"))
    assert described(make_run, log) == first
    no_reading(monkeypatch)
    assert described(make_run, log) == first


def test_other_text_of_the_same_size_and_time_makes_another_dataset(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    first = described(make_run, log)
    file = volume / "text" / "file-0.txt"
    before = file.stat()
    file.write_text(file.read_text().replace("fox", "cat"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert described(make_run, log).id != first.id


def test_text_that_changes_while_it_is_prepared_is_read_again(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(*arguments: object, **options: object) -> object:
        (volume / "text" / "file-0.txt").write_text("other")
        return train_tokenizer(*arguments, **options)

    train_tokenizer = trained_tokenizer.train_for
    monkeypatch.setattr(trained_tokenizer, "train_for", changing)
    with pytest.raises(
        TrainerError, match=r"the text changed while it was prepared, at 'file-0\.txt'; it is read again"
    ):
        prepare(make_run(), log)
    root = prepared_root(make_run().data_directory)
    assert [path.name for path in root.iterdir() if not path.name.startswith(".unfinished-")] == []


def test_a_pod_that_helps_does_not_judge_a_file_that_is_still_copied(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(*arguments: object, **options: object) -> object:
        (volume / "text" / "file-0.txt").write_text("other")
        raise BadInput("half of a file")

    monkeypatch.setattr(stage, "scan_unit", changing)
    with pytest.raises(TrainerError, match=r"the text changed while it was prepared, at 'file-0\.txt'"):
        prepare(make_run(), log, Part(1, 2))


def test_a_pod_that_helps_ends_when_the_dataset_is_made_before(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(trained_tokenizer, "train_for", train_tokenizer)
        described(make_run, log)
        return train_tokenizer(*arguments, **options)

    train_tokenizer = trained_tokenizer.train_for
    monkeypatch.setattr(trained_tokenizer, "train_for", overtaken)
    outcome = prepare(make_run(), log, Part(1, 2))
    assert (outcome.reason, outcome.dataset) == ("Completed", None)
    assert not list(prepared_root(make_run().data_directory).glob(".unfinished-*"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_volume_that_may_not_be_written_is_named(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def deny(path: Path, **options: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", deny)
    with pytest.raises(
        BadInput, match=rf"spec\.data\.source\.volume: 'datasets' can't be written: {os.strerror(number)}"
    ):
        prepare(make_run(), log)


@pytest.mark.parametrize("text", ["half", '{"text": "more"}\n' * 3000])
def test_what_a_change_of_the_text_leads_to_is_not_blamed_on_the_text(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def changing(*arguments: object, **options: object) -> object:
        for file in (volume / "text").iterdir():
            file.write_text(text)
        return split_documents(*arguments)

    (volume / "text" / "lines.jsonl").write_text('{"text": "one"}\n')
    split_documents = text_shape.split_documents
    monkeypatch.setattr(text_shape, "split_documents", changing)
    with pytest.raises(TrainerError, match="the text changed while it was prepared"):
        prepare(make_run(), log)


@pytest.mark.parametrize("name", ["training.bin", "held-out.bin", "tokenizer.json"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[: len(content) // 4 * 2], id="half of it"),
        pytest.param(lambda content: bytes(len(content)), id="zeros"),
        pytest.param(lambda content: None, id="nothing"),
    ],
)
def test_a_damaged_dataset_is_prepared_again(
    make_run: MakeRun, log: JsonLog, lines: io.StringIO, name: str, damage: Callable[[bytes], bytes | None]
) -> None:
    first = prepared(make_run, log)
    tokens, file = first.training.tobytes(), first.directory / name
    damaged = damage(file.read_bytes())
    file.unlink() if damaged is None else file.write_bytes(damaged)
    assert prepared(make_run, log).training.tobytes() == tokens
    assert name in warnings(lines)[-1]


def test_a_truncated_dataset_is_never_opened(make_run: MakeRun, log: JsonLog) -> None:
    dataset = prepared(make_run, log)
    file = dataset.directory / "training.bin"
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(BadInput, match=r"is not complete: training\.bin has \d+ bytes of \d+; create the job again"):
        Dataset.open(make_run().data_directory, dataset.info.id)


def test_a_dataset_of_an_earlier_version_is_opened_if_its_tokens_are_complete(make_run: MakeRun, log: JsonLog) -> None:
    dataset = prepared(make_run, log)
    description = dataset.directory / "dataset.json"
    described_then = {
        key: value
        for key, value in json.loads(description.read_text())["facts"].items()
        if key in ("id", "tokens", "heldOutTokens", "vocabSize", "unigramLoss")
    }
    description.write_text(json.dumps({"facts": described_then, "type": "uint16", "files": 8, "undecodable": 1}))
    assert Dataset.open(make_run().data_directory, dataset.info.id).info.tokens == dataset.info.tokens
    (dataset.directory / "training.bin").write_bytes(b"12")
    with pytest.raises(BadInput, match=r"training\.bin has 2 bytes of"):
        Dataset.open(make_run().data_directory, dataset.info.id)


def crash_while_writing(make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare until the dataset is put together, which finds no room on the volume."""

    def crash(*arguments: object, **named: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(assembly, "save_tokenizer", crash)
        with pytest.raises(OSError, match="disk full"):
            prepare(make_run(), log)


def test_a_crash_leaves_no_dataset_and_the_next_try_continues(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash_while_writing(make_run, log, monkeypatch)
    root = prepared_root(make_run().data_directory)
    assert [path.name.startswith(".unfinished-") for path in root.iterdir()] == [True]
    monkeypatch.setattr(trained_tokenizer, "train_for", lambda *arguments, **options: pytest.fail("trained again"))
    monkeypatch.setattr(shards, "load_tokenizer", lambda *arguments, **options: pytest.fail("tokenized again"))
    dataset = prepared(make_run, log)
    assert [path.name for path in root.iterdir()] == [dataset.info.id]


def test_a_damaged_shard_is_tokenized_again(make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = prepared(make_run, log).training.tobytes()
    for directory in prepared_root(make_run().data_directory).iterdir():
        (directory / "dataset.json").unlink()

    def damage(task: shards.TokenizeTask) -> shards.TokenizedShard:
        result = shards.tokenize_shard(task)
        file = task.tokens_file(1)
        file.write_bytes(bytes(file.stat().st_size))
        return result

    with monkeypatch.context() as patch:
        patch.setattr(text_shape, "tokenize_shard", damage)
        with pytest.raises(TrainerError, match="was changed after it was written; it is prepared again"):
            prepare(make_run(), log)
    assert prepared(make_run, log).training.tobytes() == expected


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content.replace(b"<|endoftext|>", b"-")])
@pytest.mark.parametrize("pattern", ["tokenizer.json", "trained.json", "scan-00000.json", "scan-00000.documents"])
def test_damage_to_what_was_done_before_a_crash_does_not_reach_the_dataset(
    make_run: MakeRun,
    log: JsonLog,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    damage: Callable[[bytes], bytes],
) -> None:
    crash_while_writing(make_run, log, monkeypatch)
    root = prepared_root(make_run().data_directory)
    [file] = root.glob(f".unfinished-*/{pattern}")
    file.write_bytes(damage(file.read_bytes()))
    dataset = prepared(make_run, log)
    shutil.rmtree(root.parent)
    assert prepared(make_run, log).training.tobytes() == dataset.training.tobytes()


def test_a_job_takes_the_dataset_of_another_one_that_was_faster_with_the_same_text(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(trained_tokenizer, "train_for", train_tokenizer)
        faster.append(described(make_run, log))
        return train_tokenizer(*arguments, **options)

    faster: list[DatasetInfo] = []
    train_tokenizer = trained_tokenizer.train_for
    monkeypatch.setattr(trained_tokenizer, "train_for", overtaken)
    assert [described(make_run, log)] == faster
    assert [path.name for path in prepared_root(make_run().data_directory).iterdir()] == [faster[0].id]


@pytest.mark.parametrize(
    "change", [{"tokens": 100}, {"heldOutTokens": 0}, {"id": "another"}, {"type": "uint32"}, {"type": "float"}]
)
def test_a_description_that_contradicts_its_files_is_not_believed(
    make_run: MakeRun, log: JsonLog, change: dict[str, object]
) -> None:
    first = prepared(make_run, log)
    description = first.directory / "dataset.json"
    content = json.loads(description.read_text())
    changed = content | change if "type" in change else content | {"facts": content["facts"] | change}
    description.write_text(json.dumps(changed))
    with pytest.raises(BadInput, match="prepare"):
        Dataset.open(make_run().data_directory, first.info.id)
    assert prepared(make_run, log).info == first.info


def test_text_shorter_than_the_context_is_rejected(make_run: MakeRun, log: JsonLog) -> None:
    model = {"layers": 1, "width": 32, "heads": 4, "contextLength": 4096}
    with pytest.raises(BadInput, match=r"the held-out text is only \d+ tokens long.*lower spec\.model\.contextLength"):
        prepare(make_run(model=model), log)
    root = prepared_root(make_run().data_directory)
    assert list(root.iterdir()) == []


def test_a_missing_dataset_is_named(make_run: MakeRun) -> None:
    with pytest.raises(BadInput, match="dataset abc is not prepared"):
        Dataset.open(make_run().data_directory, "abc")


def test_an_abandoned_preparation_is_removed(make_run: MakeRun, log: JsonLog) -> None:
    root = prepared_root(make_run().data_directory)
    for name in ("old", "new"):
        (root / f".unfinished-{name}").mkdir(parents=True)
    os.utime(root / ".unfinished-old", (1, 1))
    dataset = prepared(make_run, log)
    assert {path.name for path in root.iterdir()} == {".unfinished-new", dataset.info.id}
