"""Writes the data volume of a job from a set of `make data`."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from real_data.readers import Labelled, read_trees


def whole_set(data: Path, volume: Path) -> None:
    """Copy the set."""
    shutil.copytree(data, volume, dirs_exist_ok=True)


def some_of_each_label(count: int, data: Path, volume: Path) -> None:
    """Copy a set of label folders: the first training files of each label, `count` in all, and the whole test part."""
    shutil.copytree(data / "test", volume / "test")
    labels = sorted(path for path in (data / "train").iterdir())
    for label in labels:
        target = volume / "train" / label.name
        target.mkdir(parents=True)
        for file in sorted(label.iterdir(), key=lambda path: int(path.stem))[: count // len(labels)]:
            shutil.copy(file, target)


def lines_of_trees(data: Path, volume: Path) -> None:
    """Write a set of bracketed trees as lines of JSON: the words of each, and the label of its root."""
    for part in ("train", "test"):
        _write_lines(read_trees(data / f"{part}.txt"), volume / f"{part}.jsonl")


def pairs_of_lines(languages: tuple[str, str], data: Path, volume: Path) -> None:
    """Write a set of parallel lines as TSV without a header: the source and the target of each line."""
    for part in ("train", "test"):
        sides = [(data / f"{part}.{language}").read_text(encoding="utf-8").splitlines() for language in languages]
        lines = (f"{source}\t{target}\n" for source, target in zip(*sides, strict=True))
        (volume / f"{part}.tsv").write_text("".join(lines), encoding="utf-8")


def _write_lines(rows: Iterable[Labelled], path: Path) -> None:
    path.write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows), encoding="utf-8")
