"""A program runs as Python runs it, and its failures are distinguished from the errors of the trainer."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

import llmtrain
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.errors import BadInput, StopRequested, UserProgramFailed
from llmtrain_trainer.user_program.elastic import run_elastic
from llmtrain_trainer.worker.rank_context import RankContext
from support.local_coordinator import LocalCoordinator, serving
from unit.trainer.builders import MakeRun

TRAIN = """
import torch
import llmtrain

model = torch.nn.Linear(2, 1)
x_ND = torch.arange(20.0).view(10, 2)
result = llmtrain.train(model, num_samples=10, loss=lambda samples: (model(x_ND[samples]).square().sum(), len(samples)))
(result.output_dir / "result").write_text(f"main process: {result.is_main_process}")
"""
RunProgram = Callable[..., TerminationMessage]


@pytest.fixture(autouse=True)
def interpreter() -> Iterator[None]:
    """Undo what a program and its start change in this process."""
    with (
        patch.dict(os.environ),
        patch.object(sys, "argv", list(sys.argv)),
        patch.object(sys, "path", list(sys.path)),
        torch.random.fork_rng(),
    ):
        state = random.getstate()
        yield
        random.setstate(state)


@pytest.fixture
def run_program(make_program_run: MakeRun, volume: Path, rank_context: RankContext) -> RunProgram:
    """Runs a program with this source and these arguments."""

    def run(source: str, *arguments: str, coordinator: LocalCoordinator | None = None) -> TerminationMessage:
        (volume / "program.py").write_text(source)
        config: RunConfig = make_program_run(script="program.py", arguments=list(arguments))
        if coordinator is not None:
            config = config.model_copy(update={"coordinator": coordinator.address})
        return run_elastic(config, rank_context)

    return run


def printed(run_program: RunProgram, capsys: pytest.CaptureFixture[str], source: str, *arguments: str) -> str:
    """Return what a program prints that does not train."""
    with pytest.raises(BadInput, match="ended without calling"):
        run_program(source, *arguments)
    return capsys.readouterr().out.strip()


def test_a_program_that_trains_runs_to_its_end(
    run_program: RunProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    with serving() as coordinator:
        outcome = run_program(TRAIN, coordinator=coordinator)
    assert (outcome.reason, outcome.message) == ("Completed", "program.py ran to its end, after 20 steps")
    assert (tmp_path / "job" / "output" / "result").read_text() == "main process: True"
    assert coordinator.leave_reasons == ["Finished"]


def test_a_script_is_the_main_module_with_its_arguments_and_imports_its_neighbours(
    run_program: RunProgram, volume: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (volume / "neighbour_of_program.py").write_text("NAME = 'neighbour'")
    source = "import sys\nfrom neighbour_of_program import NAME\nprint(__name__, NAME, *sys.argv)"
    assert printed(run_program, capsys, source, "--fast", "1") == f"__main__ neighbour {volume}/program.py --fast 1"


def test_a_module_is_the_main_module_with_its_arguments(
    make_program_run: MakeRun,
    tmp_path: Path,
    rank_context: RankContext,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "own_program.py").write_text("import sys\nprint(__name__, *sys.argv)")
    monkeypatch.syspath_prepend(tmp_path)
    run = make_program_run(module="own_program", arguments=["--fast"])
    with pytest.raises(BadInput, match=r"spec\.entrypoint: own_program ended without"):
        run_elastic(run, rank_context)
    assert capsys.readouterr().out == f"__main__ {tmp_path}/own_program.py --fast\n"


def test_a_program_finds_the_job_in_its_environment(
    run_program: RunProgram, capsys: pytest.CaptureFixture[str], volume: Path
) -> None:
    source = "import os\nprint(os.environ['LLMTRAIN_JOB'], os.environ['LLMTRAIN_DATA'], os.environ['LLMTRAIN_STEPS'])"
    assert printed(run_program, capsys, source) == f"test {volume}/ 20"


def test_random_numbers_depend_on_the_seed_alone(run_program: RunProgram, capsys: pytest.CaptureFixture[str]) -> None:
    source = "import random, torch\nprint(random.random(), torch.rand(1).item())"
    assert printed(run_program, capsys, source) == printed(run_program, capsys, source)


def test_a_program_that_never_trains_is_bad_input_with_the_remedy(run_program: RunProgram) -> None:
    message = r"^spec\.entrypoint: program\.py .*; call it, or set spec\.entrypoint\.mode to Torchrun$"
    with pytest.raises(BadInput, match=message):
        run_program("raise SystemExit")


@pytest.mark.parametrize(
    ("source", "exit_code", "message"),
    [
        pytest.param("1 / 0", 1, "ended with exit code 1: ZeroDivisionError: division by zero", id="an exception"),
        pytest.param(
            "raise ValueError('a\\nb')", 1, "ended with exit code 1: ValueError: a b", id="a message of two lines"
        ),
        pytest.param(
            "raise ValueError('no <Net object at 0x7f00d1e2a3b4>')",
            1,
            "ended with exit code 1: ValueError: no <Net object at 0x...>",
            id="an address, which differs in each process",
        ),
        pytest.param("import sys; sys.exit(3)", 3, "ended with exit code 3", id="an exit code"),
        pytest.param("import sys; sys.exit('no data')", 1, "ended with exit code 1: no data", id="a text"),
        pytest.param("import sys; sys.exit(True)", 1, "ended with exit code 1", id="a condition"),
        pytest.param("import sys; sys.exit(-1)", 255, "ended with exit code 255", id="a negative number is no signal"),
    ],
)
def test_a_programs_failure_has_its_exit_code_and_last_line(
    run_program: RunProgram, source: str, exit_code: int, message: str
) -> None:
    with pytest.raises(UserProgramFailed) as failure:
        run_program(source)
    assert (failure.value.exit_code, str(failure.value)) == (exit_code, f"program.py {message}")


def test_the_traceback_and_the_text_of_an_exit_are_in_the_log(
    run_program: RunProgram, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in ("1 / 0", "raise SystemExit('no data')"):
        with pytest.raises(UserProgramFailed):
            run_program(source)
    logged = capsys.readouterr().err
    assert "Traceback" in logged
    assert logged.endswith("ZeroDivisionError: division by zero\nno data\n")


def test_the_trainers_own_errors_are_no_failure_of_the_program(run_program: RunProgram) -> None:
    with pytest.raises(BadInput, match=r"llmtrain\.train: num_samples is 0"):
        run_program("import llmtrain, torch\nllmtrain.train(torch.nn.Linear(1, 1), num_samples=0, loss=print)")


def test_a_stop_while_the_program_prepares_ends_it_at_once(run_program: RunProgram) -> None:
    with pytest.raises(StopRequested, match="stopped on request"):
        run_program("import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(600)")


def test_nothing_can_be_trained_once_the_program_has_ended(run_program: RunProgram) -> None:
    with pytest.raises(UserProgramFailed):
        run_program("raise SystemExit(1)")
    with pytest.raises(BadInput, match="this program was not started by a job"):
        llmtrain.train(torch.nn.Linear(1, 1), num_samples=1, loss=lambda samples: (torch.zeros(()), 1))
