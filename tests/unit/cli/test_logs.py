"""JSON log lines are made readable; other text is shown unchanged."""

import io
from pathlib import Path

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.logs import readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param("Killed", "Killed", id="text that is not JSON is unchanged"),
        pytest.param('{"loss": 2}', '{"loss": 2}', id="JSON without an event is unchanged"),
        pytest.param("[1, 2]", "[1, 2]", id="a list is unchanged"),
        pytest.param(
            '{"time": "2026-11-23T10:00:01.250Z", "level": "info", "event": "step", "step": 3, "loss": 2.345678912}',
            "10:00:01.250 INFO    step  step=3 loss=2.34568",
            id="an event is followed by its fields",
        ),
        pytest.param(
            '{"time": "2026-11-23T10:00:01.250Z", "level": "error", "event": "failed", "message": "no text"}',
            '10:00:01.250 ERROR   failed  message="no text"',
            id="a value with spaces is quoted",
        ),
        pytest.param(
            '{"time": "T10:00:00Z", "level": "error", "event": "failed", "traceback": "one\\ntwo"}',
            "10:00:00 ERROR   failed\n    one\n    two",
            id="a traceback is below its event",
        ),
        pytest.param('{"event": "stopped"}', "-         stopped", id="an event needs neither time nor level"),
    ],
)
def test_a_line_is_readable(line: str, shown: str) -> None:
    assert readable(line) == shown


def test_standard_input_is_read_by_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("plain\n\nlines\n"))
    assert main(["logs"]) == 0
    assert capsys.readouterr().out == "plain\n\nlines\n"


def test_a_file_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text("plain\n")
    assert main(["logs", str(tmp_path / "log")]) == 0
    assert capsys.readouterr().out == "plain\n"


def test_a_missing_file_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "/nowhere"]) == 2
    assert "can't be read" in capsys.readouterr().err
