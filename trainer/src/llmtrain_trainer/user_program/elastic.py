"""Mode Elastic: the user's program runs in the rank's process, as Python runs it, and calls `llmtrain.train`."""

import os
import random
import runpy
import sys
import traceback

import torch

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.errors import BadInput, TrainerError, UserProgramFailed
from llmtrain_trainer.log import Log
from llmtrain_trainer.user_program import train_api
from llmtrain_trainer.user_program.program import Program, find_program, program_environment
from llmtrain_trainer.user_program.torchrun import failure_sentence
from llmtrain_trainer.worker.stop_signal import StopSignal


def run_elastic(run: RunConfig, place: RankIdentity, stopping: StopSignal, log: Log) -> TerminationMessage:
    """Run the program to its end; OwnCodeFailed if it fails, BadInput if it never called `llmtrain.train`."""
    program = find_program(run)
    os.environ.update(program_environment(run))
    torch.manual_seed(run.training.seed)
    random.seed(run.training.seed)
    train_api.surroundings = around = train_api.ProgramContext(run=run, place=place, stopping=stopping, log=log)
    _run(program)
    if not around.trained:
        raise BadInput(
            f"spec.entrypoint: {program.name} ended without calling llmtrain.train; call it, or set spec.entrypoint.mode to "
            "Torchrun"
        )
    return TerminationMessage(
        reason="Completed", message=f"{program.name} ran to its end, after {run.training.steps} steps"
    )


def _run(program: Program) -> None:
    """Run the program as `__main__`; its errors become OwnCodeFailed, ours stay what they are."""
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
    except SystemExit as end:
        _check_exit(program, end)
    except Exception as error:
        traceback.print_exc()
        sentence = failure_sentence(program.name, 1, traceback.format_exception_only(error)[-1].strip())
        raise UserProgramFailed(sentence, exit_code=1) from error


def _check_exit(program: Program, end: SystemExit) -> None:
    """Raise OwnCodeFailed for an exit code other than 0; words in its place mean 1, as to Python itself."""
    if end.code is None or end.code == 0:
        return
    code, words = (end.code, "") if isinstance(end.code, int) else (1, str(end.code))
    if words:
        print(words, file=sys.stderr)
    raise UserProgramFailed(failure_sentence(program.name, code, words), exit_code=code)
