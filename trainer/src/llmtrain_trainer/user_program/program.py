"""The user's program: where it is, and whether it can run at all. What can't is said in one sentence, at once."""

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.job import Entrypoint
from llmtrain_api.names import OUTPUT_FOLDER
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Program:
    """A module of the image, or a file; it is there and Python can read it."""

    module: str | None
    file: Path | None
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.module or (self.file.name if self.file else "")

    @property
    def command(self) -> list[str]:
        """Return the command line that runs it."""
        what = ["-m", self.module] if self.module else [str(self.file)]
        return [sys.executable, *what, *self.arguments]


def find_program(run: RunConfig) -> Program:
    """Return the job's program; BadInput if it isn't there or isn't Python."""
    entrypoint = run.entrypoint
    if entrypoint is None:
        raise BadInput("spec.entrypoint: this job has none; this is a fault of whoever started this process")
    arguments = tuple(entrypoint.arguments)
    if entrypoint.module is not None:
        _check_module(entrypoint.module)
        return Program(module=entrypoint.module, file=None, arguments=arguments)
    return Program(module=None, file=_find_file(entrypoint, run), arguments=arguments)


def program_environment(run: RunConfig) -> dict[str, str]:
    """Return what every program is told of its job; the output folder is made."""
    output = Path(run.job_directory) / OUTPUT_FOLDER
    output.mkdir(parents=True, exist_ok=True)
    return {
        "LLMTRAIN_JOB": run.job,
        "LLMTRAIN_DATA": os.path.join(run.data_directory, run.data.source.path or ""),
        "LLMTRAIN_OUTPUT": str(output),
        "LLMTRAIN_STEPS": str(run.training.steps),
        "LLMTRAIN_SEED": str(run.training.seed),
    }


def _check_module(module: str) -> None:
    try:
        spec = importlib.util.find_spec(module)
        runnable = spec is not None and (
            spec.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__") is not None
        )
    except ImportError as error:
        raise BadInput(f"spec.entrypoint.module: {module} can't be imported in the trainer image: {error}") from error
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
    if not file.is_file():
        raise BadInput(f"spec.entrypoint.script: '{name}' is not a file {where}; put it there or correct the path")
    try:
        compile(file.read_bytes(), str(file), "exec")
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"spec.entrypoint.script: '{name}' isn't Python: {error}") from error
    except OSError as error:
        raise BadInput(f"spec.entrypoint.script: '{name}' {where} can't be read: {error.strerror}") from error
    return file
