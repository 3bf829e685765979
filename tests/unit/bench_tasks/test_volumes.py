"""Sets become the data volumes of jobs."""

import json
from pathlib import Path

from bench_tasks.volumes import lines_of_trees, pairs_of_lines, some_of_each_label, whole_set


def test_the_first_texts_of_each_label_are_trained_on_and_all_are_judged(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label in ("neg", "pos"):
            folder = tmp_path / "set" / part / label
            folder.mkdir(parents=True)
            for number in range(12):
                (folder / f"{number}.txt").write_text(f"{part} {label} {number}")
    volume = tmp_path / "volume"
    volume.mkdir()
    some_of_each_label(6, tmp_path / "set", volume)
    assert {path.name for path in (volume / "train" / "pos").iterdir()} == {"0.txt", "1.txt", "2.txt"}
    assert len(list((volume / "train").glob("*/*"))) == 6
    assert len(list((volume / "test").glob("*/*"))) == 24


def test_trees_become_lines_with_the_label_of_the_root(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / f"{part}.txt").write_text("(4 (2 so) (3 good))\n(0 (2 no) (1 .))\n")
    volume = tmp_path / "volume"
    volume.mkdir()
    lines_of_trees(tmp_path, volume)
    rows = [json.loads(line) for line in (volume / "test.jsonl").read_text().splitlines()]
    assert rows == [{"text": "so good", "label": "4"}, {"text": "no .", "label": "0"}]


def test_a_whole_set_is_copied_into_the_volume(tmp_path: Path) -> None:
    (tmp_path / "set" / "more").mkdir(parents=True)
    (tmp_path / "set" / "more" / "text").write_text("text")
    (tmp_path / "volume").mkdir()
    whole_set(tmp_path / "set", tmp_path / "volume")
    assert (tmp_path / "volume" / "more" / "text").read_text() == "text"


def test_parallel_lines_become_a_table_of_pairs(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / f"{part}.en").write_text("one\ntwo\n")
        (tmp_path / f"{part}.es").write_text("uno\ndos\n")
    volume = tmp_path / "volume"
    volume.mkdir()
    pairs_of_lines(("en", "es"), tmp_path, volume)
    assert (volume / "test.tsv").read_text() == (volume / "train.tsv").read_text() == "one\tuno\ntwo\tdos\n"
