"""How a stage ends: every error becomes an Outcome with one sentence, and every Outcome an exit code."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

from llmtrain_api.names import TERMINATION_LOG
from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_trainer.errors import BadInput, StopRequested, UserProgramFailed
from llmtrain_trainer.log import Log

EXIT_CODES = {
    "Completed": ExitCode.SUCCESS,
    "Stopped": ExitCode.STOPPED,
    "BadInput": ExitCode.BAD_INPUT,
    "Crashed": ExitCode.FAILURE,
}


def run_stage(stage: Callable[[], TerminationMessage], log: Log) -> TerminationMessage:
    """Run `stage` and return its outcome, or the one its error stands for, with the last lines of the log."""
    outcome = _outcome(stage, log)
    return outcome if outcome.last_lines else outcome.model_copy(update={"last_lines": list(log.kept)})


def _outcome(stage: Callable[[], TerminationMessage], log: Log) -> TerminationMessage:
    try:
        return stage()
    except StopRequested as stop:
        log.info("stopped", message=str(stop))
        return TerminationMessage(reason="Stopped", message=str(stop))
    except BadInput as error:
        log.error("failed", message=str(error))
        return TerminationMessage(reason="BadInput", message=str(error))
    except UserProgramFailed as failure:
        log.error("failed", message=str(failure), exit_code=failure.exit_code)
        return TerminationMessage(reason="Crashed", message=str(failure), exit_code=failure.exit_code)
    except Exception as error:
        message = error_summary(error)
        log.error("failed", message=message, traceback=traceback.format_exc())
        return TerminationMessage(reason="Crashed", message=message)


def error_summary(error: Exception) -> str:
    """Return one line that says what broke."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


def write_termination_message(outcome: TerminationMessage) -> None:
    """Leave the outcome where the kubelet picks it up; outside a container there is no such place."""
    path = Path(os.environ.get("LLMTRAIN_TERMINATION_LOG") or TERMINATION_LOG)
    if path.parent.is_dir() and (path.exists() or path.parent != Path("/dev")):
        path.write_text(outcome.to_message())
