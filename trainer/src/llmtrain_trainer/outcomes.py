"""Outcomes of a stage: each error becomes a termination message, and each reason an exit code."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.names import TERMINATION_LOG
from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_trainer.errors import BadInput, StopRequested, UserProgramFailed

EXIT_CODES = {
    "Completed": ExitCode.SUCCESS,
    "Stopped": ExitCode.STOPPED,
    "BadInput": ExitCode.BAD_INPUT,
    "Crashed": ExitCode.FAILURE,
}
"""Exit code by the reason of a termination message."""


def run_stage(stage: Callable[[], TerminationMessage], log: JsonLog) -> TerminationMessage:
    """Run `stage` and return its termination message, or that of its exception, with the last lines of the log."""
    outcome = _outcome(stage, log)
    return outcome if outcome.last_lines else outcome.model_copy(update={"last_lines": list(log.recent)})


def _outcome(stage: Callable[[], TerminationMessage], log: JsonLog) -> TerminationMessage:
    try:
        return stage()
    except StopRequested as stop:
        log.info(TrainerEvent.STOPPED, message=str(stop))
        return TerminationMessage(reason="Stopped", message=str(stop))
    except BadInput as error:
        log.error(TrainerEvent.FAILED, message=str(error))
        return TerminationMessage(reason="BadInput", message=str(error))
    except UserProgramFailed as failure:
        log.error(TrainerEvent.FAILED, message=str(failure), exit_code=failure.exit_code)
        return TerminationMessage(reason="Crashed", message=str(failure), exit_code=failure.exit_code)
    except Exception as error:
        message = error_summary(error)
        log.error(TrainerEvent.FAILED, message=message, traceback=traceback.format_exc())
        return TerminationMessage(reason="Crashed", message=message)


def error_summary(error: Exception) -> str:
    """Return the type of an exception and the first line of its message."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


def write_termination_message(outcome: TerminationMessage) -> None:
    """Write the termination message where the kubelet reads it; outside a container that file does not exist."""
    path = Path(os.environ.get("LLMTRAIN_TERMINATION_LOG") or TERMINATION_LOG)
    if path.parent.is_dir() and (path.exists() or path.parent != Path("/dev")):
        path.write_text(outcome.to_message())
