"""`llmtrain predict` finds the model of a job or a folder, and passes on what its program says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmtrain_cli import predict as command
from llmtrain_cli.errors import BadInput, RunFailed
from llmtrain_cli.predict import merge, model_folder, predict


def published(root: Path) -> Path:
    """Return the folder of the model of the local job `stars` in `root`."""
    folder = root / "volumes" / "checkpoints" / "stars-1" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (root / "jobs" / "stars").mkdir(parents=True)
    (root / "jobs" / "stars" / "run.json").write_text(json.dumps({"jobDirectory": str(folder.parent)}))
    return folder


def test_a_model_is_that_of_a_job_or_a_folder(tmp_path: Path) -> None:
    folder = published(tmp_path)
    assert model_folder("stars", tmp_path) == folder
    assert model_folder(str(folder), tmp_path / "elsewhere") == folder


def test_a_name_without_a_model_is_refused(tmp_path: Path) -> None:
    (published(tmp_path) / "config.json").unlink()
    with pytest.raises(BadInput, match=r"^job stars has published no model in .*; run it to the end$"):
        model_folder("stars", tmp_path)
    with pytest.raises(BadInput, match=r"^'moons' is neither a folder with config\.json nor a job that was run in "):
        model_folder("moons", tmp_path)


@pytest.mark.parametrize(("code", "error"), [(2, BadInput), (1, RunFailed), (-9, RunFailed)])
def test_an_error_of_the_program_is_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type[Exception]
) -> None:
    folder, started = published(tmp_path), []

    def run(program: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
        started.append(program)
        return subprocess.CompletedProcess(program, code, stderr="'in', line 3: no text\n")

    monkeypatch.setattr(command.subprocess, "run", run)
    with pytest.raises(error, match=r"^'in', line 3: no text$"):
        predict(["stars"], Path("in"), Path("out"), directory=tmp_path, text="body")
    with pytest.raises(error, match="no text"):
        merge(["stars", str(folder)], Path("merged"), directory=tmp_path)
    assert started == [
        [sys.executable, "-m", "llmtrain_trainer.stages.predict", "--text", "body", str(folder), "in", "out"],
        [sys.executable, "-m", "llmtrain_trainer.stages.merge", str(folder), str(folder), "merged"],
    ]
