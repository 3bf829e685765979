"""Errors become exit codes and one-line messages, and the help shows no credentials."""

from pathlib import Path

import pytest

from llmtrain_cli.__main__ import main
from llmtrain_cli.prometheus import TOKEN_VARIABLE, VARIABLE


@pytest.mark.parametrize(("command", "extras"), [("mlflow", "cli,mlflow"), ("top", "cli")])
def test_a_missing_package_is_reported_with_the_extra_that_installs_it(
    command: str, extras: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dispatch(options: object) -> None:
        raise ModuleNotFoundError(name="rich")

    monkeypatch.setattr("llmtrain_cli.__main__.dispatch", dispatch)
    assert main([command, "gpt"]) == 2
    assert f"rich is missing; in a checkout of llmtrain: pip install '.[{extras}]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "gpt"], "llmtrain: interrupted\n"),
        (["run", "job.yaml"], "llmtrain: interrupted before the run started\n"),
    ],
)
def test_an_interruption_is_one_line_and_an_exit_code(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dispatch(options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("llmtrain_cli.__main__.dispatch", dispatch)
    assert main(arguments) == 130
    assert capsys.readouterr().err == message


def test_the_help_shows_no_credentials(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(VARIABLE, "http://ann:secret@host:9090")
    with pytest.raises(SystemExit):
        main(["top", "--help"])
    shown = capsys.readouterr().out
    assert TOKEN_VARIABLE in shown
    assert "secret" not in shown


def test_a_job_of_several_is_chosen_by_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text("---\n".join(f"kind: LLMTrainingJob\nmetadata: {{name: {name}}}\n" for name in ("one", "two")))
    assert main(["run", str(file), "--job", "three"]) == 2
    assert f"{file} holds no job three; it holds one, two" in capsys.readouterr().err
