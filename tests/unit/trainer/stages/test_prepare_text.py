"""Text as it comes becomes documents, each on one side of the split, or is reported with its place."""

import io
import json
import os
import random
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data import records, scan, shards
from llmtrain_trainer.data.dataset import prepared_root
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import preparation as stage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, prose
from unit.trainer.stages.preparing import data, described, documents, prepared, warnings


def test_each_document_is_followed_by_an_end_of_text(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    dataset = prepared(make_run, log)
    texts = [file.read_text() for file in (volume / "text").iterdir()]
    found = documents(dataset)
    assert len(found) == 9  # one of the eight files is cut, because a whole one is too much
    assert sum(text in found for text in texts) == 7
    assert "".join(sorted(found)).count("fox") == "".join(texts).count("fox")
    assert dataset.info.tokens == len(dataset.training)
    assert dataset.info.held_out_tokens == len(dataset.held_out) > 0


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
    size = sum(file.stat().st_size for file in (volume / "text").iterdir())
    tokenizer = load_tokenizer(dataset.directory)
    held_out = tokenizer.decode(dataset.held_out.tolist())
    assert 0.025 < len(held_out) / size < 0.075
    found = documents(dataset)
    parts = [text for text in found if text in large]
    assert "".join(sorted(parts, key=large.index)) == large


BODY = prose(40_000, seed=9).replace("\n", " ")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"The title\n{BODY}", id="a title, then everything in one line"),
        pytest.param(f"{BODY[:20_000]}\n{BODY[20_000:]}", id="two lines, the second nine times as long"),
        pytest.param(BODY, id="one line and no line end at all"),
        pytest.param(f"{BODY}\n", id="one line end at the very end"),
        pytest.param(BODY.replace(" ", ""), id="not even a space"),
        pytest.param(prose(40_000, seed=9), id="many short lines"),
    ],
)
def test_about_the_wanted_percentage_of_a_single_file_is_held_out(
    make_run: MakeRun, log: JsonLog, volume: Path, text: str
) -> None:
    (volume / "single.txt").write_text(text)
    dataset = prepared(make_run, log, data=data(source={"volume": "datasets", "path": "single.txt"}))
    training, held_out = documents(dataset)
    assert training + held_out == text
    assert 0.035 <= len(held_out) / len(text) <= 0.065


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
        {"file": "largest.txt", "reason": "not UTF-8", "offset": 9000, "line": None, "replaced": 1, "record": None}
    ]
    info = described(make_run, log)
    assert (info.replaced_bytes, info.left_out, info.first_finding) == (1, 0, "'largest.txt', byte 9000: not UTF-8")


def test_a_file_that_is_left_out_is_reported_also_if_the_dataset_exists(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    before = described(make_run, log)
    (volume / "text" / "photo").write_bytes(b"\xff\xd8\xff" * 99)
    outcome = prepare(make_run(), log)
    after = outcome.dataset
    assert after is not None
    assert (after.id, after.left_out) == (before.id, 1)
    assert "; 0 invalid bytes replaced, 1 files or lines left out, the first is 'photo', byte 0:" in outcome.message
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
        with pytest.raises(BadInput, match=r"spec\.data: '"):
            prepare(make_run(data=data(onBadText=policy)), log)
    else:
        info = described(make_run, log, data=data(onBadText=policy))
        assert info.left_out > 0
        assert info.tokens > 1000


def test_a_link_that_leads_nowhere_is_reported_or_fails_the_job(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (volume / "text" / "gone").symlink_to("nothing")
    info = described(make_run, log)
    assert (info.left_out, info.first_finding) == (1, "'gone': a link that leads nowhere (No such file or directory)")
    with pytest.raises(BadInput, match=r"'gone': a link that leads nowhere .* set spec\.data\.onBadText"):
        prepare(make_run(data=data(onBadText="Fail")), log)


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
    monkeypatch.setattr(shards.Shard.parts, "__defaults__", (512,))
    monkeypatch.setattr(
        "llmtrain_trainer.data.records.Reader.__init__.__kwdefaults__", {"piece_characters": 512, "masking": None}
    )
    second = prepared(make_run, log)
    assert (second.training.tobytes(), second.held_out.tobytes()) == before[:2]
    assert second.info.tokens == before[2].tokens


def test_a_sample_trains_the_tokenizer(make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO) -> None:
    (volume / "text" / "large.txt").write_text(prose(40_000, seed=50))
    prepared(make_run, log, data=data(tokenizer={"vocabSize": 300, "sampleBytes": 65536}))
    events = [json.loads(line) for line in lines.getvalue().splitlines() if "tokenizerTrained" in line]
    assert [line["bytes"] for line in events] == [65536]


def test_personal_data_are_masked_counted_and_never_logged(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(f"{prose(40, seed=each)}, jane@mail.example or +49 30 901820, and more" for each in range(60))
    (volume / "text" / "a.txt").write_text(rows)
    (volume / "text" / "b.jsonl").write_text(json.dumps({"text": f"ask joe@mail.example {prose(200)}"}) + "\n")
    monkeypatch.setattr(records.reader_of, "__defaults__", (400,))
    monkeypatch.setattr(shards.Shard.pieces, "__defaults__", (400,))
    monkeypatch.setattr(shards.Shard.parts, "__defaults__", (400,))
    dataset = prepared(make_run, log, data=data(personalData="Mask"))
    report = json.loads((dataset.directory / "report.json").read_text())
    assert report["masked"] == {"email": 61, "phone": 60}
    (read,) = (json.loads(line) for line in lines.getvalue().splitlines() if "textRead" in line)
    assert read["masked"] == report["masked"]
    text = "".join(documents(dataset))
    assert (text.count("[EMAIL]"), text.count("[PHONE]")) == (61, 60)
    written = b"".join(file.read_bytes() for file in (volume / ".llmtrain").rglob("*") if file.is_file())
    for secret in ("mail.example", "901820"):
        assert secret not in text + lines.getvalue()
        assert secret.encode() not in written


def test_personal_data_are_masked_where_a_document_is_cut_to_be_held_out(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    (volume / "text" / "large.txt").write_text(
        "\n".join(f"{prose(20, seed=each)} jane@mail.example" for each in range(900))
    )
    dataset = prepared(make_run, log, data=data(personalData="Mask"))
    found = documents(dataset)
    assert sum("[EMAIL]" in text for text in found) == 2, "one document on both sides"
    assert "mail.example" not in "".join(found)


def test_patterns_of_a_job_are_masked_to_another_dataset_also_where_texts_are_cut(
    make_run: MakeRun, log: JsonLog, volume: Path, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(f"{prose(40, seed=each)} of Jane {each:03} Doe, and more" for each in range(60))
    (volume / "text" / "a.txt").write_text(rows)
    monkeypatch.setattr(records.reader_of, "__defaults__", (400,))
    monkeypatch.setattr(shards.Shard.pieces, "__defaults__", (400,))
    monkeypatch.setattr(shards.Shard.parts, "__defaults__", (400,))
    masked = data(personalData="Mask")
    names = {**masked, "personalPatterns": ["PERSON=Jane [0-9]+ Doe"]}
    dataset = prepared(make_run, log, data=names)
    report = json.loads((dataset.directory / "report.json").read_text())
    assert report["masked"] == {"person": 60}
    assert described(make_run, log, data=masked).id != dataset.info.id
    text = "".join(documents(dataset))
    assert (text.count("of [PERSON], and more"), "Doe" in text) == (60, False)


def test_a_pattern_that_cannot_be_used_is_refused_by_prepare_too(make_run: MakeRun, log: JsonLog) -> None:
    with pytest.raises(
        BadInput, match=r"^spec\.data\.personalPatterns\[0\]: the regular expression of 'A' can't be used"
    ):
        prepare(make_run(data=data(personalData="Mask", personalPatterns=["A=(?<b)"])), log)
