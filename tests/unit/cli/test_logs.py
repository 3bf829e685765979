"""Log lines as people read them."""

import io
from pathlib import Path

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.logs import readable

LINES = [
    ("a word about text that is no JSON", "Killed", "Killed"),
    ("JSON that is no log line stays", '{"loss": 2}', '{"loss": 2}'),
    ("a list stays", "[1, 2]", "[1, 2]"),
    (
        "an event with its facts",
        '{"time": "2026-11-23T10:00:01.250Z", "level": "info", "event": "step", "step": 3, "loss": 2.345678912}',
        "10:00:01.250 INFO    step  step=3 loss=2.34568",
    ),
    (
        "a fact of several words is in quotes",
        '{"time": "2026-11-23T10:00:01.250Z", "level": "error", "event": "failed", "message": "no text"}',
        '10:00:01.250 ERROR   failed  message="no text"',
    ),
    (
        "a traceback is below its event",
        '{"time": "T10:00:00Z", "level": "error", "event": "failed", "traceback": "one\\ntwo"}',
        "10:00:00 ERROR   failed\n    one\n    two",
    ),
    ("an event alone", '{"event": "stopped"}', "-         stopped"),
]


@pytest.mark.parametrize(("sentence", "line", "shown"), LINES, ids=[case[0] for case in LINES])
def test_line(sentence: str, line: str, shown: str) -> None:
    assert readable(line) == shown


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("plain\n\nlines\n"))
    assert main(["logs"]) == 0
    assert capsys.readouterr().out == "plain\n\nlines\n"


def test_a_file_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("plain\n")
    assert main(["logs", str(tmp_path / "log")]) == 0
    assert capsys.readouterr().out == "plain\n"


def test_a_file_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "/nowhere"]) == 2
    assert "can't be read" in capsys.readouterr().err
