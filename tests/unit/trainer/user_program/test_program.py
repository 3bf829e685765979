"""A program that cannot run is rejected with the field and a remedy, before anything waits for it."""

import errno
from pathlib import Path
from typing import Any

import pytest

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.user_program.program import failure_message, find_program, program_environment
from unit.trainer.builders import MakeRun

INVALID_PROGRAMS = [
    ({"module": "no_such_module"}, "spec.entrypoint.module: there is no module no_such_module in the trainer image"),
    ({"module": "no_such.module"}, "spec.entrypoint.module: no_such.module cannot be imported in the trainer image"),
    ({"module": "json"}, "spec.entrypoint.module: json is a package without __main__"),
    ({"script": "none.py"}, "spec.entrypoint.script: 'none.py' is not a file on volume 'datasets'; put it there"),
    ({"script": "/none.py"}, "spec.entrypoint.script: '/none.py' is not a file in the trainer image; put it there"),
    ({"script": "broken.py"}, "spec.entrypoint.script: 'broken.py' is not Python"),
]


@pytest.mark.parametrize(("entrypoint", "message"), INVALID_PROGRAMS)
def test_a_program_that_cannot_run_is_rejected(
    make_program_run: MakeRun, volume: Path, entrypoint: dict[str, Any], message: str
) -> None:
    (volume / "broken.py").write_text("def main(:\n")
    with pytest.raises(BadInput) as error:
        find_program(make_program_run(**entrypoint))
    assert str(error.value).startswith(message)


def test_an_error_of_the_volume_is_no_bad_input(
    make_program_run: MakeRun, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may pass, so the process is replaced within the budget; bad input would fail the job at once."""
    (volume / "train.py").write_text("print('hello')\n")
    run = make_program_run(script="train.py")

    def fail(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match="Input/output error"):
        find_program(run)


def test_a_script_is_read_from_the_data_volume(make_program_run: MakeRun, volume: Path) -> None:
    (volume / "train.py").write_text("print('hello')\n")
    program = find_program(make_program_run(script="train.py", arguments=["--fast"]))
    assert program.command[1:] == [str(volume / "train.py"), "--fast"]
    assert program.name == "train.py"


def test_a_module_is_run_with_python_m(make_program_run: MakeRun) -> None:
    program = find_program(make_program_run(module="json.tool"))
    assert program.command[1:] == ["-m", "json.tool"]


def test_a_programs_environment_names_its_files_steps_and_seed(make_program_run: MakeRun, volume: Path) -> None:
    run = make_program_run(script="train.py")
    environment = program_environment(run)
    assert environment["LLMTRAIN_DATA"] == f"{volume}/"
    assert Path(environment["LLMTRAIN_OUTPUT"]) == Path(run.job_directory) / "output"
    assert Path(environment["LLMTRAIN_OUTPUT"]).is_dir()
    assert (environment["LLMTRAIN_STEPS"], environment["LLMTRAIN_SEED"]) == ("20", "0")


def test_a_failure_is_described_in_one_line() -> None:
    assert failure_message("train.py", 3, "ValueError: no") == "train.py ended with exit code 3: ValueError: no"
    assert failure_message("train.py", -9, "") == "train.py was killed by signal 9"
