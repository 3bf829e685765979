"""The place to cut a document is found by reading around the wanted place, in whichever shard that is."""

import json
from pathlib import Path

import numpy as np
import pytest

from llmtrain_trainer.data.cut import find_cut
from llmtrain_trainer.data.scan import ScanTask, scan_unit
from llmtrain_trainer.data.shards import Shard, plan_shards
from llmtrain_trainer.data.source import TextFile
from llmtrain_trainer.data.split import CUT, TRAINING, WantedCut, cut_window
from unit.trainer.builders import prose
from unit.trainer.data.reading import write

LONG = prose(4000)


def shards_of(folder: Path, file: TextFile, shard_bytes: int, fates: list[int]) -> list[Shard]:
    task = ScanTask(number=0, files=[file], column="text", policy="Replace", directory=folder, shard_bytes=shard_bytes)
    scan = scan_unit(task)
    (folder / "fates").write_bytes(np.array(fates, dtype=np.uint8).tobytes())
    return plan_shards([[file]], [scan], column="text", fates_file=folder / "fates")


@pytest.mark.parametrize(
    "text", [LONG, LONG.replace("\n", " "), LONG.replace("\n", "").replace(" ", ""), "漢字" * 4000]
)
@pytest.mark.parametrize("shard_bytes", [2**30, 4096])
@pytest.mark.parametrize("cut_size", [40, 1000, 9000])
def test_a_text_is_cut_near_the_wanted_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, shard_bytes: int, cut_size: int
) -> None:
    monkeypatch.setattr(
        "llmtrain_trainer.data.documents.Reader.__init__.__kwdefaults__", {"piece_characters": 512, "masking": None}
    )
    shards = shards_of(tmp_path, write(tmp_path / "a.txt", text), shard_bytes, [CUT])
    encoded = text.encode()
    cut = find_cut(shards, WantedCut(0, cut_size), len(encoded))
    assert abs(len(encoded) - cut_size - cut.size) <= max(cut_window(cut_size), 3)
    assert encoded[: cut.size].decode() + encoded[cut.size :].decode() == text


@pytest.mark.parametrize("text", ["é" * 20, "漢" * 20, "\U0001f600" * 20, "x\U0001f600"])
@pytest.mark.parametrize("cut_size", [1, 2, 3, 4, 5, 7, 11])
def test_a_short_text_is_cut_between_two_characters(tmp_path: Path, text: str, cut_size: int) -> None:
    shards, encoded = shards_of(tmp_path, write(tmp_path / "a.txt", text), 2**30, [CUT]), text.encode()
    cut = find_cut(shards, WantedCut(0, min(cut_size, len(encoded))), len(encoded))
    assert encoded[: cut.size].decode() + encoded[cut.size :].decode() == text


def test_a_record_between_others_is_cut(tmp_path: Path) -> None:
    texts = ["first " * 20, LONG, "last " * 20]
    file = write(tmp_path / "a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in texts))
    fates = [TRAINING, CUT, TRAINING]
    shards = shards_of(tmp_path, file, 1000, fates)
    cut = find_cut(shards, WantedCut(1, 2000), len(LONG))
    assert LONG[cut.size - 1] == "\n"
    assert abs(len(LONG) - 2000 - cut.size) <= 500
