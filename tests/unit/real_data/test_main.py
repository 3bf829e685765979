"""The command line prints sets, what failed, and how to continue."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from real_data import __main__ as command_line
from real_data.__main__ import main
from real_data.cache import Cache, Record
from real_data.data_set import DataSet
from real_data.make import Made
from real_data.sets import ALL, BY_NAME


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("LLMTRAIN_CACHE", str(tmp_path))
    return tmp_path


def test_the_help_lists_all_sets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert [each.name for each in ALL if each.name not in text] == []


def test_an_unknown_set_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])
    assert "invalid choice: 'nothing'" in capsys.readouterr().err


def test_sets_and_failures_are_printed(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make_sets(data_sets: Sequence[DataSet], cache: Cache) -> list[Made]:
        assert data_sets == [BY_NAME["brown"], BY_NAME["trec"], BY_NAME["film-2"]]
        record = Record(key="", counts={"train": 3, "words": 9})
        return [
            Made(data_set=BY_NAME["brown"], record=record),
            *(Made(data_set=BY_NAME[name], record=None, error="it is gone") for name in ("trec", "film-2")),
        ]

    monkeypatch.setattr(command_line, "make_sets", make_sets)
    assert main(["brown", "trec", "film-2"]) == 1
    printed = capsys.readouterr()
    assert printed.out == f"brown: 3 train, 9 words in {cache}/data/sets/brown\n"
    assert printed.err == "error: cannot make trec, film-2: it is gone\n"


def test_an_interruption_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(data_sets: object, cache: object) -> list[Made]:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "make_sets", interrupted)
    assert main([]) == 130
    assert "the same command continues" in capsys.readouterr().err
