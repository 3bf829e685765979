"""The tutorial's steps on one machine, as written in docs/tutorial.md."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.tutorial import ON_ONE_MACHINE, commands_below, save_files

TIMEOUT_SECONDS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tutorial's files; each step continues in it."""
    folder = tmp_path_factory.mktemp("tutorial")
    save_files(folder)
    program = folder / "bin" / "llmtrain"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m llmtrain_cli "$@"\n')
    program.chmod(0o755)
    return folder


def run(folder: Path, commands: list[str]) -> str:
    """Return what the commands print; they stop at the first that fails."""
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_a_job_is_validated_trained_and_its_logs_are_read(folder: Path) -> None:
    output = run(folder, commands_below(*ON_ONE_MACHINE[0]))
    assert "first.yaml: ok" in output
    assert "local: first Succeeded steps=60" in output
    assert output.splitlines()[-1].strip(), "llmtrain logs printed nothing"


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_a_job_trains_on_text_of_the_users(folder: Path) -> None:
    output = run(folder, commands_below(*ON_ONE_MACHINE[1]))
    assert "local: docs Succeeded steps=40" in output


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_a_job_runs_a_program_of_the_users(folder: Path) -> None:
    output = run(folder, commands_below(*ON_ONE_MACHINE[2]))
    assert "local: wave Succeeded steps=100" in output
    assert len(list(folder.glob(".llmtrain/volumes/checkpoints/wave-*/output/wave.pt"))) == 1
