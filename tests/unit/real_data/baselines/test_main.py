"""The command line prints baselines of sets that are there."""

from pathlib import Path

import pytest

from real_data.baselines.__main__ import BASELINES, main
from real_data.cache import Record, default_cache
from real_data.layouts.labelled import write_json_lines
from real_data.sets import BY_NAME


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache."""
    monkeypatch.setenv("LLMTRAIN_CACHE", str(tmp_path))


def test_baselines_are_of_known_sets() -> None:
    assert BASELINES.keys() - BY_NAME.keys() == set()


def test_a_set_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["film-ratings"]) == 1
    assert "run `make data SETS=film-ratings`" in capsys.readouterr().err


def test_each_baseline_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    folder = default_cache().set("sarcasm")
    folder.mkdir(parents=True)
    rows = [{"headline": "area man", "is_sarcastic": 1}, {"headline": "election", "is_sarcastic": 0}]
    write_json_lines(folder, {"train": [*rows, rows[0]], "test": rows})
    default_cache().save("sarcasm", Record(key="", counts={}))
    assert main(["sarcasm"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:4] == ["sarcasm", "majority", "accuracy", "0.500"]
    assert second.split()[:5] == ["sarcasm", "naive", "Bayes", "accuracy", "1.000"]
