"""Outcomes of a stage: each error becomes a termination message, and each reason an exit code."""

import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path

from llmtrain_api.events import TrainerEvent
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.names import TERMINATION_LOG
from llmtrain_api.termination import ExitCode, TerminationMessage
from llmtrain_trainer.errors import BadInput, CommunicationFailed, Diverged, StopRequested, UserProgramFailed

TORCH_STACK = r"Exception raised from |C\+\+ CapturedTraceback|CUDA kernel errors might be"
"""Where torch's own stack, or its hints for developers, begin in the message of an error."""
MAX_SUMMARY_LENGTH = 600
"""Characters of an exception's message that a summary keeps."""

EXIT_CODES = {
    "Completed": ExitCode.SUCCESS,
    "Stopped": ExitCode.STOPPED,
    "BadInput": ExitCode.BAD_INPUT,
    "Diverged": ExitCode.DIVERGED,
    "CommunicationFailed": ExitCode.COMMUNICATION,
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
    except Diverged as error:
        log.error(TrainerEvent.FAILED, message=str(error))
        return TerminationMessage(reason="Diverged", message=str(error))
    except CommunicationFailed as error:
        log.error(TrainerEvent.FAILED, message=str(error))
        return TerminationMessage(reason="CommunicationFailed", message=str(error))
    except UserProgramFailed as failure:
        early = failure.before_first_step
        log.error(
            TrainerEvent.FAILED, message=str(failure), exit_code=failure.exit_code, before_first_step=early or None
        )
        return TerminationMessage(
            reason="Crashed", message=str(failure), exit_code=failure.exit_code, before_first_step=early
        )
    except Exception as error:
        message = error_summary(error)
        log.error(TrainerEvent.FAILED, message=message, traceback=traceback.format_exc())
        return TerminationMessage(reason="Crashed", message=message)


def error_summary(error: BaseException) -> str:
    """Return the type of an exception and its message in one line, without the stack that torch appends to it."""
    message = re.split(TORCH_STACK, str(error), maxsplit=1)[0]
    line = " ".join(message.split())
    if len(line) > MAX_SUMMARY_LENGTH:  # the library's last words say the most, such as which GPU is used twice
        line = f"{line[: MAX_SUMMARY_LENGTH // 2]} ... {line[-MAX_SUMMARY_LENGTH // 2 :]}"
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def write_termination_message(outcome: TerminationMessage) -> None:
    """Write the termination message where the kubelet reads it; outside a container that file does not exist."""
    path = Path(os.environ.get("LLMTRAIN_TERMINATION_LOG") or TERMINATION_LOG)
    if path.parent.is_dir() and (path.exists() or path.parent != Path("/dev")):
        path.write_text(outcome.to_message())
