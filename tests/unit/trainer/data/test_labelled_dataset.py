"""Held-out texts are found in their file, in little memory."""

import json
import tracemalloc
from pathlib import Path

import pytest

from llmtrain_trainer.data import labelled_dataset
from llmtrain_trainer.data.labelled_dataset import HeldOutTexts


@pytest.mark.parametrize("searched", [1, 7, 2**22])
def test_documents_are_found_wherever_their_lines_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    monkeypatch.setattr(labelled_dataset, "SEARCHED", searched)
    documents = [("a", "b"), ("", "two\nlines"), ("c" * 20, "é")]
    (tmp_path / "lines").write_text("".join(json.dumps(document) + "\n" for document in documents))
    texts = HeldOutTexts.read(tmp_path / "lines")
    assert [texts.document(number) for number in range(len(texts))] == documents


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    line = json.dumps(("a" * 2**20, "b")) + "\n"
    (tmp_path / "lines").write_text(line * 64)
    tracemalloc.start()
    try:
        texts = HeldOutTexts.read(tmp_path / "lines")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(texts) == 64
    assert peak < 2**24
