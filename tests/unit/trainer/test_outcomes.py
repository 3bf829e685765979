"""Every stage ends with an exit code and, in a container, a termination message."""

import io
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_trainer.__main__ import main
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.errors import BadInput, StopRequested, TrainerError
from llmtrain_trainer.outcomes import EXIT_CODES, run_stage, write_termination_message

CASES = [
    pytest.param(BadInput("spec.data: no text"), ExitCode.BAD_INPUT, "spec.data: no text", id="bad input"),
    pytest.param(StopRequested("stopped"), ExitCode.STOPPED, "stopped", id="stop"),
    pytest.param(TrainerError("no checkpoint"), ExitCode.FAILURE, "TrainerError: no checkpoint", id="trainer error"),
    pytest.param(OSError("disk full\n  and more"), ExitCode.FAILURE, "OSError: disk full and more", id="in one line"),
    pytest.param(
        RuntimeError("NCCL error\nDuplicate GPU\nException raised from init at group.cpp\nframe #0"),
        ExitCode.FAILURE,
        "RuntimeError: NCCL error Duplicate GPU",
        id="without torch's stack",
    ),
    pytest.param(KeyError(), ExitCode.FAILURE, "KeyError", id="no message"),
]


@pytest.mark.parametrize(("error", "code", "message"), CASES)
def test_an_error_ends_with_a_message_and_an_exit_code(error: Exception, code: int, message: str, log: JsonLog) -> None:
    def stage() -> TerminationMessage:
        raise error

    outcome = run_stage(stage, log)
    assert (EXIT_CODES[outcome.reason], outcome.message) == (code, message)
    assert "Traceback" not in outcome.message


def test_a_traceback_is_in_the_log_only(log: JsonLog, lines: io.StringIO) -> None:
    run_stage(lambda: TerminationMessage(reason="Completed", message=str(1 // 0)), log)
    assert '"traceback": "Traceback' in lines.getvalue()
    assert lines.getvalue().count("\n") == 1


def test_every_outcome_has_the_last_lines(log: JsonLog) -> None:
    def stage() -> TerminationMessage:
        log.bind(step=3).info("prepared")
        return TerminationMessage(reason="Completed")

    assert '"event": "prepared", "step": 3' in run_stage(stage, log).last_lines[-1]


def test_the_termination_message_is_written_for_the_kubelet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMTRAIN_TERMINATION_LOG", str(tmp_path / "log"))
    write_termination_message(TerminationMessage(reason="Stopped", message="why"))
    assert TerminationMessage.from_message((tmp_path / "log").read_text()) == TerminationMessage(
        reason="Stopped", message="why"
    )


def test_outside_a_container_no_termination_message_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMTRAIN_TERMINATION_LOG", str(tmp_path / "nowhere" / "log"))
    write_termination_message(TerminationMessage(reason="Stopped"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_run_config_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLMTRAIN_TERMINATION_LOG", str(tmp_path / "log"))
    assert (
        main(["prepare", "--run", str(tmp_path / "run.json")], abandoned_groups=AbandonedGroups()) == ExitCode.BAD_INPUT
    )
    assert "run.json can't be read: No such file" in capsys.readouterr().out


def test_the_help_describes_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"], abandoned_groups=AbandonedGroups())
    text = capsys.readouterr().out
    assert all(word in text for word in ("prepare", "worker", "publish", "LLMTRAIN_WORKER", "143"))
