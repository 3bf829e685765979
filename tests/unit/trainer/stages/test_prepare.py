"""Text as it comes becomes one dataset: once for the same text and settings, complete, and with what is wrong reported."""

import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data import assembly, scan, shards
from llmtrain_trainer.data.dataset import Dataset, prepared_root
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, load_tokenizer
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages import prepare as stage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, prose


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
    tokenizer, found, current = load_tokenizer(dataset.directory), [], []
    for token in [*dataset.training.tolist(), *dataset.held_out.tolist()]:
        if token == END_OF_TEXT_ID:
            found.append(tokenizer.decode(current, skip_special_tokens=False))
            current = []
        else:
            current.append(token)
    assert not current
    return found


def warnings(lines: io.StringIO) -> list[str]:
    parsed = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line["message"] for line in parsed if line["level"] == "warning"]


def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "scan_unit", lambda task: pytest.fail("read the text again"))


def test_each_document_is_followed_by_an_end_of_text(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    dataset = prepared(make_run, log)
    texts = [file.read_text() for file in (volume / "text").iterdir()]
    found = documents(dataset)
    assert len(found) == 9  # one of the eight files is cut, because a whole one is too much
    assert sum(text in found for text in texts) == 7
    assert "".join(sorted(found)).count("fox") == "".join(texts).count("fox")
    assert dataset.info.tokens == len(dataset.training)
    assert dataset.info.held_out_tokens == len(dataset.held_out) > 0


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
    monkeypatch.setattr(stage, "train_tokenizer", lambda *arguments: pytest.fail("tokenized again"))
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
    def changing(*arguments: object) -> object:
        (volume / "text" / "file-0.txt").write_text("other")
        return train_tokenizer(*arguments)

    train_tokenizer = stage.train_tokenizer
    monkeypatch.setattr(stage, "train_tokenizer", changing)
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
    facts = {
        key: value
        for key, value in json.loads(description.read_text())["facts"].items()
        if key in ("id", "tokens", "heldOutTokens", "vocabSize", "unigramLoss")
    }
    description.write_text(json.dumps({"facts": facts, "type": "uint16", "files": 8, "undecodable": 1}))
    assert Dataset.open(make_run().data_directory, dataset.info.id).info.tokens == dataset.info.tokens
    (dataset.directory / "training.bin").write_bytes(b"12")
    with pytest.raises(BadInput, match=r"training\.bin has 2 bytes of"):
        Dataset.open(make_run().data_directory, dataset.info.id)


def test_a_crash_leaves_no_dataset_and_the_next_try_continues(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*arguments: object, **named: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(assembly, "save_tokenizer", crash)
        with pytest.raises(OSError, match="disk full"):
            prepare(make_run(), log)
    root = prepared_root(make_run().data_directory)
    assert [path.name.startswith(".unfinished-") for path in root.iterdir()] == [True]
    monkeypatch.setattr(stage, "train_tokenizer", lambda *arguments: pytest.fail("trained again"))
    monkeypatch.setattr(shards, "load_tokenizer", lambda *arguments: pytest.fail("tokenized again"))
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
        patch.setattr(stage, "tokenize_shard", damage)
        with pytest.raises(TrainerError, match="was changed after it was written; it is prepared again"):
            prepare(make_run(), log)
    assert prepared(make_run, log).training.tobytes() == expected


def test_text_shorter_than_the_context_is_rejected(make_run: MakeRun, log: JsonLog) -> None:
    model = {"layers": 1, "width": 32, "heads": 4, "contextLength": 4096}
    with pytest.raises(BadInput, match=r"the held-out text is only \d+ tokens long.*lower spec\.model\.contextLength"):
        prepare(make_run(model=model), log)
    root = prepared_root(make_run().data_directory)
    assert list(root.iterdir()) == []


def test_a_missing_dataset_is_named(make_run: MakeRun) -> None:
    with pytest.raises(BadInput, match="dataset abc is not prepared"):
        Dataset.open(make_run().data_directory, "abc")


def test_odd_but_valid_text_comes_back_as_it_was(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    odd = {
        "windows.txt": prose(100, seed=61).replace("\n", "\r\n"),
        "old-mac.txt": prose(100, seed=62).replace("\n", "\r"),
        "nul.txt": "before\0after\n" * 20,
        "no-line-end.txt": prose(50, seed=63).rstrip(),
        "white.txt": " \t\n \n\n   \n" * 20,
        "long-word.txt": "".join("abcdefghijklmnopqrstuvwxyz"[number * number % 26] for number in range(50000)),
        "emoji.txt": "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \u0130stanbul \u4e2d\u6587 \u202eright\u202c\n"
        * 20,
        "separators.txt": "a\u2028b\u2029c\x0bd\x0ce\x85f\n" * 20,
        "one-letter.txt": "x",
        "end-of-text.txt": 'SEPARATOR = "<|endoftext|>"  # stands between documents\n' * 5,
        "empty.txt": "",
    }
    for name, text in odd.items():
        (volume / "text" / name).write_bytes(text.encode())
    found = documents(prepared(make_run, log, data=data(heldOutPercent=50)))
    assert {name for name, text in odd.items() if text and text not in found} == set()
    assert len(found) == 8 + len(odd) - 1


def test_a_large_file_among_small_ones_is_cut_and_each_text_is_on_one_side(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    (volume / "text" / "large.txt").write_text(large := prose(40_000, seed=50))
    dataset = prepared(make_run, log)
    total = sum(file.stat().st_size for file in (volume / "text").iterdir())
    tokenizer = load_tokenizer(dataset.directory)
    held_out = tokenizer.decode(dataset.held_out.tolist())
    assert 0.025 < len(held_out) / total < 0.075
    found = documents(dataset)
    parts = [text for text in found if text in large]
    assert "".join(sorted(parts, key=large.index)) == large


def test_copies_and_copies_with_other_whitespace_around_are_one_document(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO
) -> None:
    before = described(make_run, log, data=data(heldOutPercent=50))
    for number in range(8):
        text = (volume / "text" / f"file-{number}.txt").read_text()
        (volume / "text" / f"other-{number}.txt").write_text(text)
        (volume / "text" / f"third-{number}.txt").write_text(f"\n\n  {text}\n\n")
    after = described(make_run, log, data=data(heldOutPercent=50))
    assert (after.documents, after.duplicates) == (8, 16)
    assert after.id != before.id
    assert (after.tokens, after.held_out_tokens) == (before.tokens, before.held_out_tokens)


def test_a_bad_byte_costs_one_character_and_is_reported(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO
) -> None:
    content = ("MARKER " + prose(4000, seed=77)).encode()
    (volume / "text" / "largest.txt").write_bytes(content[:9000] + b"\xe9" + content[9000:])
    dataset = prepared(make_run, log)
    assert any("MARKER" in text for text in documents(dataset))
    assert warnings(lines) == ["'largest.txt', byte 9000: not UTF-8"]
    report = json.loads((dataset.directory / "report.json").read_text())
    assert report["findings"] == [
        {"file": "largest.txt", "reason": "not UTF-8", "offset": 9000, "line": None, "replaced": 1}
    ]
    info = described(make_run, log)
    assert (info.replaced_bytes, info.left_out, info.first_finding) == (1, 0, "'largest.txt', byte 9000: not UTF-8")


def test_a_file_that_is_left_out_is_reported_also_if_the_dataset_exists(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    before = described(make_run, log)
    (volume / "text" / "photo").write_bytes(b"\xff\xd8\xff" * 99)
    after = described(make_run, log)
    assert (after.id, after.left_out) == (before.id, 1)
    assert after.first_finding.startswith("'photo', byte 0: not text in UTF-8")


def test_a_source_that_is_no_text_at_all_is_rejected_with_the_place(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    (volume / "images").mkdir()
    (volume / "images" / "photo").write_bytes(b"\xff\xd8\xff" * 99)
    source = {"volume": "datasets", "path": "images"}
    with pytest.raises(
        BadInput, match=r"no text files under 'images' .* the first is 'photo', byte 0: not text in UTF-8"
    ):
        prepare(make_run(data=data(source=source)), log)


@pytest.mark.parametrize("policy", ["Replace", "Skip", "Fail"])
def test_unusual_input_never_crashes(make_run: MakeRun, log: JsonLog, volume: Path, policy: str) -> None:
    """Random bytes under random names: the stage makes a dataset, or refuses with a sentence that names a file."""
    randomly = random.Random(policy)
    fragments = [
        b"\xff",
        b"\0",
        b"text ",
        b"\xe2\x82",
        b'{"text": "a"}\n',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\n",
        b"\x1f\x8b",
    ]
    for number in range(60):
        ending = randomly.choice([b".txt", b".jsonl", b".gz", b".jsonl.gz", b"", b"\xe9.txt", b"\n.txt"])
        content = b"".join(randomly.choice(fragments) for _ in range(randomly.randint(0, 60)))
        with open(os.fsencode(volume / "text") + f"/{number}".encode() + ending, "wb") as file:
            file.write(content)
    if policy == "Fail":
        with pytest.raises(BadInput, match=r"spec\.data\.source\.path: '"):
            prepare(make_run(data=data(onBadText=policy)), log)
    else:
        info = described(make_run, log, data=data(onBadText=policy))
        assert info.left_out > 0
        assert info.tokens > 1000


def test_jsonl_has_a_named_column(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (volume / "records").mkdir()
    texts = [prose(60, seed=number) for number in range(40)]
    lines = "".join(json.dumps({"id": number, "body": text}) + "\n" for number, text in enumerate(texts))
    (volume / "records" / "all.jsonl").write_text(f"{lines}no json\n")
    source = {"volume": "datasets", "path": "records"}
    run_data = data(source=source, columns={"text": "body"})
    assert sorted(documents(prepared(make_run, log, data=run_data))) == sorted(texts)
    assert described(make_run, log, data=run_data).first_finding == (
        "'all.jsonl', line 41: not a JSON object with a text in 'body'"
    )


def test_shards_do_not_change_the_tokens(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch, volume: Path
) -> None:
    (volume / "text" / "large.txt").write_text(prose(20_000, seed=50))
    (volume / "text" / "a-line.txt").write_text(prose(20_000, seed=51).replace("\n", " "))
    texts = [prose(60, seed=number) for number in range(100, 140)]
    (volume / "text" / "all.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    first = prepared(make_run, log)
    before = first.training.tobytes(), first.held_out.tobytes(), first.info
    for directory in prepared_root(make_run().data_directory).iterdir():
        (directory / "dataset.json").unlink()
    monkeypatch.setattr(scan, "UNIT_BYTES", 4096)
    monkeypatch.setattr(stage, "UNIT_BYTES", 4096)
    monkeypatch.setattr("llmtrain_trainer.data.pieces.PIECE_CHARACTERS", 512)
    monkeypatch.setattr(shards.Shard.pieces, "__defaults__", (512,))
    monkeypatch.setattr("llmtrain_trainer.data.scan.Reader.__init__.__kwdefaults__", {"piece_characters": 512})
    second = prepared(make_run, log)
    assert (second.training.tobytes(), second.held_out.tobytes()) == before[:2]
    assert second.info.tokens == before[2].tokens


def test_a_sample_trains_the_tokenizer(make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO) -> None:
    (volume / "text" / "large.txt").write_text(prose(40_000, seed=50))
    prepared(make_run, log, data=data(tokenizer={"vocabSize": 300, "sampleBytes": 65536}))
    trained = [json.loads(line) for line in lines.getvalue().splitlines() if "tokenizerTrained" in line]
    assert [line["bytes"] for line in trained] == [65536]


def test_an_abandoned_preparation_is_removed(make_run: MakeRun, log: JsonLog) -> None:
    root = prepared_root(make_run().data_directory)
    for name in ("old", "new"):
        (root / f".unfinished-{name}").mkdir(parents=True)
    os.utime(root / ".unfinished-old", (1, 1))
    dataset = prepared(make_run, log)
    assert {path.name for path in root.iterdir()} == {".unfinished-new", dataset.info.id}
