"""Mode Elastic: the user's program runs in the rank's process, as Python runs it, and calls `llmtrain.train`."""

import os
import random
import re
import runpy
import sys
import traceback

import torch

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.errors import BadInput, TrainerError, UserProgramFailed
from llmtrain_trainer.outcomes import error_summary
from llmtrain_trainer.user_program.program import Program, failure_message, find_program, program_environment
from llmtrain_trainer.user_program.train_api import ProgramContext, active
from llmtrain_trainer.worker.rank_context import RankContext

ADDRESS = r"0x[0-9a-fA-F]{6,}"
"""Where an object is in memory: another address does not make an error another one."""


def run_elastic(run: RunConfig, rank: RankContext) -> TerminationMessage:
    """Run the program to its end. UserProgramFailed if it fails, BadInput if it never calls `llmtrain.train`."""
    program = find_program(run)
    os.environ.update(program_environment(run))
    torch.manual_seed(run.training.seed)
    random.seed(run.training.seed)
    context = ProgramContext(run=run, rank=rank)
    with active(context):
        try:
            _run(program)
        except UserProgramFailed as failure:
            failure.before_first_step = not context.has_trained
            raise
    if not context.training_completed:
        raise BadInput(
            f"spec.entrypoint: {program.name} ended without calling llmtrain.train; call it, or set spec.entrypoint.mode to "
            "Torchrun"
        )
    return TerminationMessage(
        reason="Completed", message=f"{program.name} ran to its end, after {run.training.total_steps} steps"
    )


def _run(program: Program) -> None:
    """Run the program as `__main__`. Its own errors become UserProgramFailed; those of the trainer stay as they are."""
    sys.argv = [str(program.file or program.module), *program.arguments]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        if program.module is not None:
            runpy.run_module(program.module, run_name="__main__", alter_sys=True)
        else:
            assert program.file is not None
            sys.path.insert(0, str(program.file.parent))
            runpy.run_path(str(program.file), run_name="__main__")
    except TrainerError:
        raise
    except SystemExit as error:
        _check_exit(program, error)
    except Exception as error:
        traceback.print_exc()
        summary = re.sub(ADDRESS, "0x...", error_summary(error))
        raise UserProgramFailed(failure_message(program.name, 1, summary), exit_code=1) from error


def _check_exit(program: Program, error: SystemExit) -> None:
    """Raise UserProgramFailed for an exit code other than 0.

    As in Python itself, a text in its place means 1, and a number that does not fit into a byte is cut off.
    """
    if error.code is None:
        return
    code, text = (error.code & 0xFF, "") if isinstance(error.code, int) else (1, str(error.code))
    if code == 0:
        return
    if text:
        print(text, file=sys.stderr)
    raise UserProgramFailed(failure_message(program.name, code, text), exit_code=code)
