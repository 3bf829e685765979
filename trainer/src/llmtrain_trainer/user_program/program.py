"""The user's program: where it is, and whether it can run. One that cannot is reported at once, with the remedy."""

import importlib.util
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.job import Entrypoint
from llmtrain_api.names import OUTPUT_FOLDER
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Program:
    """A module of the image, or a file, that exists and that Python can compile."""

    module: str | None
    file: Path | None
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name of the module or file, for messages."""
        return self.module or (self.file.name if self.file else "")

    @property
    def command(self) -> list[str]:
        """Return the command line that runs the program."""
        target = ["-m", self.module] if self.module else [str(self.file)]
        return [sys.executable, *target, *self.arguments]


def find_program(run: RunConfig) -> Program:
    """Return the job's program. BadInput if it does not exist or is not Python."""
    entrypoint = run.entrypoint
    if entrypoint is None:
        raise BadInput("internal error: started to run a user program, but spec.entrypoint is not set")
    arguments = tuple(entrypoint.arguments)
    if entrypoint.module is not None:
        _check_module(entrypoint.module)
        return Program(module=entrypoint.module, file=None, arguments=arguments)
    return Program(module=None, file=_find_file(entrypoint, run), arguments=arguments)


def program_environment(run: RunConfig) -> dict[str, str]:
    """Return the environment variables that describe the job. Creates the output directory."""
    output = Path(run.job_directory) / OUTPUT_FOLDER
    output.mkdir(parents=True, exist_ok=True)
    return {
        "LLMTRAIN_JOB": run.job,
        "LLMTRAIN_DATA": os.path.join(run.data_directory, run.data.source.path or ""),
        "LLMTRAIN_OUTPUT": str(output),
        "LLMTRAIN_STEPS": str(run.training.total_steps),
        "LLMTRAIN_SEED": str(run.training.seed),
    }


def _check_module(module: str) -> None:
    try:
        spec = importlib.util.find_spec(module)
        runnable = spec is not None and (
            spec.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__") is not None
        )
    except ImportError as error:
        raise BadInput(f"spec.entrypoint.module: {module} cannot be imported in the trainer image: {error}") from error
    if spec is None:
        raise BadInput(
            f"spec.entrypoint.module: there is no module {module} in the trainer image; correct the name, set spec.image to "
            "one that has it, or name a script on the data volume"
        )
    if not runnable:
        raise BadInput(
            f"spec.entrypoint.module: {module} is a package without __main__; name one of its modules, or add __main__.py"
        )


def _find_file(entrypoint: Entrypoint, run: RunConfig) -> Path:
    name = entrypoint.script or ""
    file = Path(run.data_directory) / name
    where = "in the trainer image" if name.startswith("/") else f"on volume '{run.data.source.volume}'"
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise FileNotFoundError
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(
            f"spec.entrypoint.script: '{name}' is not a file {where}; put it there or correct the path"
        ) from error
    except PermissionError as error:  # another error of the volume may pass: this process is replaced
        raise BadInput(f"spec.entrypoint.script: '{name}' {where} cannot be read: {error.strerror}") from error
    try:
        compile(content, str(file), "exec")
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"spec.entrypoint.script: '{name}' is not Python: {error}") from error
    return file


def failure_message(program: str, code: int, last_line: str) -> str:
    """Return a sentence about a program that failed; the exit code of a signal is negative."""
    cause = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"{program} {cause}" + (f": {last_line[:500]}" if last_line else "")
