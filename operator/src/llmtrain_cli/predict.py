"""`llmtrain predict` and `llmtrain merge`: apply the models of local jobs, or of folders, to a file, or average their weights."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from llmtrain_api.termination import ExitCode
from llmtrain_cli.errors import BadInput, RunFailed
from llmtrain_cli.workspace import CONFIG_FILE, model_of_job


def predict(models: Sequence[str], source: Path, target: Path, *, directory: Path, text: str) -> None:
    """Write the lines of `source` with the answers of the models to `target`; `directory` is that of local jobs.

    BadInput if there is no such model, a line can't be used, or the answers of several models can't be averaged.
    """
    folders = [str(model_folder(model, directory)) for model in models]
    options = ["--text", text] if text else []
    _run("llmtrain_trainer.stages.predict", *options, *folders, str(source), str(target))


def merge(models: Sequence[str], target: Path, *, directory: Path) -> None:
    """Write a folder `target` with the average of the models' weights. BadInput if there is no such model, or they differ."""
    folders = [str(model_folder(model, directory)) for model in models]
    _run("llmtrain_trainer.stages.merge", *folders, str(target))


def model_folder(model: str, directory: Path) -> Path:
    """Return the folder of a model: `model` itself, or that of the job of this name. BadInput if there is none."""
    if (Path(model) / CONFIG_FILE).is_file():
        return Path(model)
    if (folder := model_of_job(directory, model)) is None:
        raise BadInput(
            f"'{model}' is neither a folder with {CONFIG_FILE} nor a job that was run in {directory}; name one of them, or set "
            "--directory"
        )
    if not (folder / CONFIG_FILE).is_file():
        raise BadInput(f"job {model} has published no model in {folder}; run it to the end")
    return folder


def _run(module: str, *arguments: str) -> None:
    """Run a program of the trainer, which prints what it has done. BadInput or RunFailed with what it says, if it fails."""
    ended = subprocess.run([sys.executable, "-m", module, *arguments], stderr=subprocess.PIPE, text=True)
    if ended.returncode == ExitCode.BAD_INPUT:
        raise BadInput(ended.stderr.strip())
    if ended.returncode != ExitCode.SUCCESS:
        raise RunFailed(ended.stderr.strip() or f"ended with exit code {ended.returncode}")
