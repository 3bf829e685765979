"""A run starts its stages in order, reports why one failed, and stops all processes when it is interrupted."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmtrain_api.listening import listen
from llmtrain_api.recovery import Recovery
from llmtrain_api.run_config import RunConfig
from llmtrain_cli.errors import BadInput, CommandError, Interrupted, RunFailed
from llmtrain_cli.run import reserved_port, run
from support.local_run import JOB
from support.polling import DEADLINE_SECONDS, eventually
from support.terminal import terminal
from unit.cli.stage_programs import StagePrograms, end_with, fail, interrupt

OWN_PROGRAM = {
    "workers": {"replicas": 1},
    "entrypoint": {"script": "train.py"},
    "data": {"source": {"volume": "texts"}},
    "training": {"steps": 300},
    "checkpoint": {"volume": "results"},
}
"""The spec of a job with a program of the user's."""
RunJob = Callable[..., None]
RUN_COMMAND = """
import os, sys
_, path, folder = sys.argv
sys.path += path.split(os.pathsep)
from llmtrain_cli.__main__ import main
sys.exit(main(["run", f"{folder}/job.yaml", f"--directory={folder}/run"]))
"""
"""The command with the modules of this process, which the programs that it starts do not get."""
WAIT_FOR_STOP = """
def on_stop(*_):
    Path(FOLDER, "saved").touch()
    sys.exit(143)

signal.signal(signal.SIGTERM, on_stop)
Path(FOLDER, "ready").touch()
time.sleep(600)
"""
"""A worker that saves something when it is stopped."""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StagePrograms:
    """The programs that runs of this test start."""
    programs = StagePrograms(tmp_path)
    for name, value in programs.environment.items():
        monkeypatch.setenv(name, value)
    return programs


@pytest.fixture
def run_job(tmp_path: Path, programs: StagePrograms) -> RunJob:
    """Runs the job of this spec, or a small job whose spec has these sections."""

    def run_spec(spec: dict[str, Any] | None = None, **sections: object) -> None:
        spec = spec or {**JOB["spec"], **sections}
        (tmp_path / "job.yaml").write_text(json.dumps({**JOB, "spec": spec}))
        run(tmp_path / "job.yaml", tmp_path / "run", fresh=False, plain=True)

    return run_spec


def is_running(pid: int) -> bool:
    return Path("/proc", str(pid)).exists()


def test_the_dataset_of_the_prepare_stage_is_trained_and_published(run_job: RunJob, programs: StagePrograms) -> None:
    run_job()
    stages = [(call.stage, call.dataset) for call in programs.calls]
    assert stages[0] == ("prepare", None)
    assert sorted(stages[1:-1], key=str) == [("coordinator", None), ("worker", "dataset-1"), ("worker", "dataset-1")]
    assert stages[-1] == ("publish", "dataset-1")


def test_progress_and_results_are_printed(run_job: RunJob, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run_job()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "read 8 files"
    assert [line.partition("  ")[0] for line in lines[1:3]] == [
        "step 300/300",
        "training finished; evaluating and exporting the model",
    ]
    assert f"model     {tmp_path}/run/volumes/results/small-uid/model (1,234 parameters)" in lines
    assert lines[-1].startswith("local: small Succeeded steps=300 loss=9.000->2.500 perplexity=12.2 ")


def test_the_coordinator_serves_the_jobs_ranks_where_the_run_config_says(
    run_job: RunJob, programs: StagePrograms, tmp_path: Path
) -> None:
    run_job(workers={"replicas": 2})
    (call,) = (call for call in programs.calls if call.stage == "coordinator")
    config = RunConfig.read(tmp_path / "run" / "jobs" / "small" / "run.json")
    host, port = config.coordinator.split(":")
    assert {"--standalone", "--workers=2", "--ranks-per-worker=1", f"--host={host}", f"--port={port}"} <= {
        *call.arguments
    }
    assert f"--uid={config.uid}" in call.arguments
    assert "--no-progress" not in call.arguments


def test_each_worker_has_its_number_and_the_variables_of_the_job(run_job: RunJob, programs: StagePrograms) -> None:
    run_job(workers={"replicas": 2, "env": [{"name": "NCCL_DEBUG", "value": "INFO"}]})
    names = ("LLMTRAIN_WORKER", "LLMTRAIN_ADDRESS", "NCCL_DEBUG")
    workers = [[call.environment.get(name) for name in names] for call in programs.calls if call.stage == "worker"]
    assert sorted(workers) == [["0", "127.0.0.1", "INFO"], ["1", "127.0.0.1", "INFO"]]


@pytest.mark.parametrize("mode", ["Elastic", "Torchrun"])
def test_a_users_program_is_trained_alone(
    run_job: RunJob, programs: StagePrograms, capsys: pytest.CaptureFixture[str], tmp_path: Path, mode: str
) -> None:
    run_job({**OWN_PROGRAM, "entrypoint": {"script": "train.py", "mode": mode}})
    assert sorted((call.stage, call.dataset) for call in programs.calls) == [("coordinator", None), ("worker", None)]
    assert [("--no-progress" in call.arguments) for call in programs.calls if call.stage == "coordinator"] == [
        mode == "Torchrun"
    ]
    (output,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("output"))
    assert output.startswith(f"output    {tmp_path}/run/volumes/results/small-")
    assert output.endswith("/output")


FAILURES: list[Any] = [
    pytest.param(
        "prepare",
        fail(2, "spec.data.source.path: 'tables' is not on volume 'texts'"),
        BadInput,
        "prepare: spec.data.source.path: 'tables' is not on volume 'texts' "
        "(volume texts is the folder {folder}/run/volumes/texts)",
        id="bad input names the folder of the volume",
    ),
    pytest.param(
        "prepare",
        fail(1, "the disk is full"),
        RunFailed,
        "prepare: the disk is full (1 failure within 3600 s, and spec.recovery.maxFailures is 0); see "
        "{folder}/run/logs/small/prepare.jsonl",
        id="a crash names the log",
    ),
    pytest.param(
        "publish",
        "os.kill(os.getpid(), signal.SIGKILL)",
        RunFailed,
        "publish was killed by SIGKILL (1 failure within 3600 s, and spec.recovery.maxFailures is 0); see "
        "{folder}/run/logs/small/publish.jsonl",
        id="a killed stage names the log",
    ),
    pytest.param(
        "publish",
        end_with(reason="Completed"),
        RunFailed,
        "publish: the stage succeeded without reporting a model; see {folder}/run/logs/small/publish.jsonl.",
        id="a success without a model names the log",
    ),
]


@pytest.mark.parametrize(("stage", "program", "error", "message"), FAILURES)
def test_a_stage_that_fails_ends_the_run(
    run_job: RunJob,
    programs: StagePrograms,
    tmp_path: Path,
    stage: str,
    program: str,
    error: type[CommandError],
    message: str,
) -> None:
    programs.replace(stage, program)
    with pytest.raises(error) as failure:
        run_job(recovery={"maxFailures": 0})
    assert str(failure.value) == message.format(folder=tmp_path)
    assert programs.calls[-1].stage == stage
    assert not any(is_running(call.pid) for call in programs.calls)


def test_a_model_that_cannot_be_read_is_named_with_the_folder_of_its_own_volume(
    run_job: RunJob, programs: StagePrograms, tmp_path: Path
) -> None:
    programs.replace("prepare", fail(2, "spec.model.from: 'minilm' is no folder"))
    model = {"from": {"volume": "models", "path": "minilm"}}
    with pytest.raises(BadInput) as failure:
        run_job(
            model=model, task={"name": "masked"}, data={"source": {"volume": "texts", "path": "tables"}}, evaluation={}
        )
    assert str(failure.value).endswith(f"is no folder (volume models is the folder {tmp_path}/run/volumes/models)")


@pytest.mark.parametrize("stage", ["prepare", "publish"])
def test_a_stage_that_is_killed_is_run_again(
    run_job: RunJob, programs: StagePrograms, capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: str
) -> None:
    once = f"if not (mark := Path({str(tmp_path / 'died')!r})).exists(): mark.touch(); os.kill(os.getpid(), signal.SIGTERM)"
    programs.replace(stage, f"{once}\n{programs.source(stage)}")
    run_job()
    assert f"{stage} was killed by SIGTERM; restarting it (failure 1 of 10)" in capsys.readouterr().out
    assert [call.stage for call in programs.calls].count(stage) == 2


@pytest.mark.parametrize("stage", ["prepare", "worker", "publish"])
def test_an_interrupted_run_lets_a_stage_stop_and_can_be_resumed(
    run_job: RunJob,
    programs: StagePrograms,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    monkeypatch.setattr("llmtrain_cli.local_supervisor.STAGE_GRACE_SECONDS", DEADLINE_SECONDS)
    programs.replace(stage, interrupt(f"Path({str(tmp_path / 'saved')!r}).touch(); sys.exit(143)"))
    with pytest.raises(Interrupted, match="run the same command again to resume from the last checkpoint"):
        run_job(workers={"replicas": 1})
    assert (tmp_path / "saved").exists()
    assert not any(is_running(call.pid) for call in programs.calls)
    assert "stopping: workers write a checkpoint first (Ctrl-C again to stop at once)" in capsys.readouterr().out


def test_a_second_interrupt_kills_all_processes(run_job: RunJob, programs: StagePrograms) -> None:
    programs.replace("worker", interrupt("os.kill(os.getppid(), signal.SIGINT)"))
    started = time.monotonic()
    with pytest.raises(Interrupted):
        run_job(workers={"replicas": 1})
    assert time.monotonic() - started < Recovery().grace_period_seconds
    assert not any(is_running(call.pid) for call in programs.calls)


def test_variables_of_the_job_are_those_of_its_stages_too(run_job: RunJob, programs: StagePrograms) -> None:
    run_job(workers={"replicas": 1, "env": [{"name": "NCCL_DEBUG", "value": "INFO"}]})
    stages = {call.stage: call.environment.get("NCCL_DEBUG") for call in programs.calls}
    assert stages == {"prepare": "INFO", "coordinator": None, "worker": "INFO", "publish": "INFO"}


def test_fields_without_effect_are_reported_first(run_job: RunJob, capsys: pytest.CaptureFixture[str]) -> None:
    run_job(workers={"replicas": 2, "min": 2}, activeDeadlineSeconds=60)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" has no")[0] for line in lines[:2]] == [
        "warning: spec.workers.min",
        "warning: spec.activeDeadlineSeconds",
    ]


def test_each_worker_sees_gpus_of_its_own(run_job: RunJob, programs: StagePrograms) -> None:
    (programs.folder / "torch.py").write_text("class cuda:\n    device_count = staticmethod(lambda: 5)")
    run_job(workers={"replicas": 2, "gpus": 2, "env": [{"name": "CUDA_VISIBLE_DEVICES", "value": "4,3,2,1,0"}]})
    found = {
        call.environment["LLMTRAIN_WORKER"]: call.environment["CUDA_VISIBLE_DEVICES"]
        for call in programs.calls
        if call.stage == "worker"
    }
    assert found == {"0": "4,3", "1": "2,1"}


def test_a_run_with_too_few_gpus_starts_nothing(run_job: RunJob, programs: StagePrograms) -> None:
    (programs.folder / "torch.py").write_text("class cuda:\n    device_count = staticmethod(lambda: 1)")
    with pytest.raises(BadInput, match=r"2 x 1 GPUs are needed .* this machine has 1"):
        run_job(workers={"replicas": 2, "gpus": 1})
    assert not (programs.folder / "calls").exists()


def test_a_reserved_port_is_left_alone_by_others_and_free_for_each_coordinator() -> None:
    with reserved_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        for _ in range(2):
            with listen("127.0.0.1", port), socket.create_connection(("127.0.0.1", port)):
                pass


def test_a_closed_terminal_stops_the_run_with_a_checkpoint(
    run_job: RunJob, programs: StagePrograms, tmp_path: Path
) -> None:
    run_job()
    programs.replace("worker", WAIT_FOR_STOP.replace("FOLDER", repr(str(tmp_path))))
    with terminal([sys.executable, "-c", RUN_COMMAND, os.pathsep.join(sys.path), str(tmp_path)]) as window:
        eventually((tmp_path / "ready").exists, "a worker runs")
        window.close()
        assert window.process.wait(DEADLINE_SECONDS) == Interrupted.exit_code
    assert (tmp_path / "saved").exists()
    assert not any(is_running(call.pid) for call in programs.calls)


def test_a_second_sighup_does_not_kill_the_workers(run_job: RunJob, programs: StagePrograms, tmp_path: Path) -> None:
    saved = f"time.sleep(0.2); Path({str(tmp_path / 'saved')!r}).touch(); sys.exit(143)"
    again = "[os.kill(os.getppid(), signal.SIGHUP) for _ in range(3)]"
    programs.replace("worker", interrupt(f"{again}; {saved}").replace("signal.SIGINT", "signal.SIGHUP"))
    with pytest.raises(Interrupted):
        run_job(workers={"replicas": 1})
    assert (tmp_path / "saved").exists()
