"""The prepare stage makes the same bytes with any number of processes, and however often it is killed."""

import csv
import json
import os
import random
import shutil
import time
from pathlib import Path

import polib
import pyarrow
import pyarrow.parquet
import pytest

from support.prepare_process import await_parts, finished_files, result, start

KILLS = 3
RECORDS: dict[str, object] = {"task": {"name": "classification"}, "model": {"name": "lstm"}}
PIECES: dict[str, object] = {"tokenizer": {"kind": "wordpiece", "vocabSize": 1000, "sampleBytes": 300_000}}
PAIRS: dict[str, object] = {"task": {"name": "translation"}, "model": {"name": "t5"}}


def words(count: int, seed: int) -> str:
    randomly = random.Random(seed)
    known = ["".join(randomly.choices("abcdefghij", k=randomly.randint(1, 7))) for _ in range(2000)]
    return "".join(word + randomly.choice("   \n") for word in randomly.choices(known, k=count))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large file, small ones, copies of them, JSONL, a line without spaces, and a file with bad bytes."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "large.txt").write_text(words(200_000, seed=1))
    (folder / "all.jsonl").write_text(
        "".join(json.dumps({"text": words(300, seed)}) + "\n" for seed in range(100, 400))
    )
    (folder / "line.txt").write_text(words(60_000, seed=2).replace(" ", "").replace("\n", ""))
    for number in range(40):
        (folder / f"small-{number}.txt").write_text(words(200, seed=number))
        (folder / f"copy-{number}.txt").write_text(words(200, seed=number) + "\n")
    (folder / "bad.txt").write_bytes(words(500, seed=3).encode() + b"\xff and more")
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of each format, with broken ones and copies: a large table, small ones, lines of JSON, trees, and label folders."""
    folder = tmp_path_factory.mktemp("records")
    every_word = words(96_000, seed=5).split()
    made = [
        {"text": "\n".join(every_word[number * 40 : number * 40 + 40]), "label": "abc"[number % 3]}
        for number in range(2400)
    ]
    with (folder / "large.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["id", "label", "text"])
        table.writeheader()
        for number, row in enumerate(made[:1200]):
            table.writerow({"id": number, **row})
            if number % 500 == 7:
                file.write('1,"never closed\n2,a\n')
    lines = [json.dumps(row) for row in [*made[1200:2000], *made[:20], {"text": "no label"}]]
    (folder / "all.jsonl").write_text("\n".join(lines))
    flat = [(row["label"], " ".join(row["text"].split())) for row in made[2000:2100]]
    (folder / "small.tsv").write_text("label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in flat))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(made[2100:2200]), folder / "some.parquet", row_group_size=30)
    trees = (
        f"({row['label']} " + " ".join(f"(b {word})" for word in row["text"].split()) + ")" for row in made[2200:2300]
    )
    (folder / "some.trees").write_text("\n".join(trees) + "\n(a (b never closed)\n")
    for number, row in enumerate(made[2300:]):
        (folder / row["label"]).mkdir(exist_ok=True)
        (folder / row["label"] / f"{number}.txt").write_text(row["text"])
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of texts: two files of lines, catalogues in both forms, and a table, with copies, near copies and addresses."""
    folder = tmp_path_factory.mktemp("pairs")
    every_word = words(80_000, seed=6).split()
    made = [
        (" ".join(every_word[place : place + 30]), f"{number} {' '.join(every_word[place + 30 : place + 40])}")
        for number, place in enumerate(range(0, 80_000, 40))
    ]
    near = [(f"{source} more", target) for source, target in made[:50]]
    lines = [*made[:1200], *near, *made[:20], ("write to a@b.example", "call +49 30 901820")]
    for place, name in enumerate(("en.txt", "es.txt")):
        (folder / name).write_text("".join(f"{pair[place]}\n" for pair in lines))
    for name, part in (("one.po", made[1200:1500]), ("two.mo", made[1500:1800])):
        catalogue = polib.POFile()
        catalogue.extend(polib.POEntry(msgid=source, msgstr=target) for source, target in part)
        (catalogue.save if name.endswith(".po") else catalogue.save_as_mofile)(os.fspath(folder / name))
    rows = (json.dumps({"en.txt": source, "es.txt": target}) + "\n" for source, target in made[1800:])
    (folder / "some.jsonl").write_text("".join(rows))
    return folder


@pytest.fixture(scope="module")
def undisturbed(text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("undisturbed")
    return result(root, start(root, text, 1))


@pytest.mark.parametrize("processes", [2, 4])
def test_the_number_of_processes_does_not_matter(
    processes: int, text: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    assert result(tmp_path, start(tmp_path, text, processes)) == undisturbed


@pytest.mark.parametrize("processes", [1, 2])
def test_what_was_done_before_a_kill_is_not_done_again_and_the_result_is_the_same(
    processes: int, text: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    randomly = random.Random(processes)
    for kill in range(KILLS):
        before = finished_files(tmp_path)
        process = start(tmp_path, text, processes)
        count = before + randomly.randint(1, 8)
        await_parts(tmp_path, process, count)
        time.sleep(randomly.random() / 20)  # within a part, at a place that differs from run to run
        process.kill()
        process.communicate()
        assert process.returncode == -9, f"it ended before kill {kill}"
    kept = {file: file.stat().st_ino for file in tmp_path.glob("data/.llmtrain/prepared/.unfinished-*/*.json")}
    assert len(kept) > KILLS
    process = start(tmp_path, text, processes)
    await_parts(tmp_path, process, len(kept) + 1)
    again = {file for file, inode in kept.items() if file.exists() and file.stat().st_ino != inode}
    assert result(tmp_path, process) == undisturbed
    assert not again


def test_records_of_any_format_are_the_same_bytes_with_any_number_of_processes_and_after_a_kill(
    records: Path, tmp_path: Path
) -> None:
    expected = result(tmp_path / "one", start(tmp_path / "one", records, 1, RECORDS, PIECES))
    report, dataset = json.loads(expected["report.json"]), json.loads(expected["dataset.json"])
    assert report["badRecords"] == {"brokenRecord": 7, "noLabel": 1}
    assert (report["documents"], report["duplicates"]) == (2400, 20)
    assert (dataset["labels"], dataset["facts"]["samples"] + dataset["facts"]["heldOutSamples"]) == (
        ["a", "b", "c"],
        2400,
    )
    killed = start(tmp_path / "three", records, 3, RECORDS, PIECES)
    await_parts(tmp_path / "three", killed, 6)
    killed.kill()
    killed.communicate()
    assert result(tmp_path / "three", start(tmp_path / "three", records, 3, RECORDS, PIECES)) == expected


COPIES: dict[str, object] = {"duplicates": "DropNear", "personalData": "Mask"}
MIXTURE: dict[str, object] = {"mixture": {"large.txt": 1, "line.txt": 2, "all.jsonl": 3}}
"""Sources of which two are one document each, whose end is held out."""


def test_pairs_of_any_format_without_near_copies_are_the_same_bytes_too(pairs: Path, tmp_path: Path) -> None:
    settings = {**COPIES, "columns": {"text": "en.txt", "label": "es.txt"}}
    expected = result(tmp_path / "one", start(tmp_path / "one", pairs, 1, PAIRS, settings))
    report = json.loads(expected["report.json"])
    assert (report["documents"], report["duplicates"], report["nearDuplicates"]) == (2001, 20, 50)
    assert report["masked"] == {"email": 1, "phone": 1}
    killed = start(tmp_path / "three", pairs, 3, PAIRS, settings)
    await_parts(tmp_path / "three", killed, 3)
    killed.kill()
    killed.communicate()
    assert result(tmp_path / "three", start(tmp_path / "three", pairs, 3, PAIRS, settings)) == expected


@pytest.mark.parametrize("data", [COPIES, MIXTURE], ids=["without near copies and personal data", "a mixture"])
def test_text_with_other_settings_is_the_same_bytes_too(data: dict[str, object], text: Path, tmp_path: Path) -> None:
    expected = result(tmp_path / "one", start(tmp_path / "one", text, 1, data=data))
    killed = start(tmp_path / "three", text, 3, data=data)
    await_parts(tmp_path / "three", killed, 6)
    killed.kill()
    killed.communicate()
    assert result(tmp_path / "three", start(tmp_path / "three", text, 3, data=data)) == expected


@pytest.mark.parametrize("of_records", [False, True], ids=["text", "records"])
def test_pods_that_share_the_work_make_the_same_bytes_while_each_of_them_is_killed(
    of_records: bool, text: Path, records: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    source, sections = (records, RECORDS) if of_records else (text, {})
    expected = result(tmp_path / "one", start(tmp_path / "one", source, 1, sections)) if of_records else undisturbed
    root = tmp_path / "three"
    shutil.copytree(source, root / "data" / "text", copy_function=os.link)
    for killed in range(3):
        pods = [start(root, source, 1, sections, part=part, parts=3) for part in range(3)]
        await_parts(root, pods[0], finished_files(root) + 4)
        pods[killed].kill()
        for pod in pods:
            pod.terminate()
            pod.communicate()
    helpers = [start(root, source, 1, sections, part=part, parts=3) for part in (1, 2)]
    process = start(root, source, 1, sections, parts=3)
    for helper in helpers:
        output, _ = helper.communicate()
        assert helper.returncode == 0, output.decode()
    assert result(root, process) == expected


def test_a_pod_that_helps_leaves_little_to_do(text: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    helper = start(tmp_path, text, 1, part=2, parts=3)
    output, _ = helper.communicate()
    assert helper.returncode == 0, output.decode()
    outcome = json.loads((tmp_path / "outcome-2").read_text())
    assert (outcome["message"], "dataset" in outcome) == ("the text is tokenized", False)
    parts = finished_files(tmp_path)
    assert parts > KILLS
    assert result(tmp_path, start(tmp_path, text, 1, parts=3)) == undisturbed
