"""User programs under `llmtrain run`, in both modes, with real processes."""

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from support.local_run import JOB, Workspace
from support.process_times import started_at

LINE = """
import sys, time
import torch
import llmtrain

torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))
x_ND = torch.arange(400.0).view(100, 4).sin()

def loss(samples):
    time.sleep(float(sys.argv[1]))
    guesses = model(x_ND[samples])
    return (guesses - x_ND[samples].sum(1, keepdim=True)).square().sum(), len(samples)

trained = llmtrain.train(model, num_samples=len(x_ND), loss=loss)
if trained.is_main_process:
    torch.save(model.state_dict(), trained.output_dir / "line.pt")
print("bye from the program", flush=True)
"""
COUNTING = """
import os, sys, time
from pathlib import Path

names = ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RESTART_COUNT"]
print("environment", *(os.environ[name] for name in names), os.environ["MASTER_ADDR"], flush=True)
Path(os.environ["LLMTRAIN_OUTPUT"], f"pid-{os.environ['RANK']}").write_text(str(os.getpid()))
while not Path(os.environ["LLMTRAIN_OUTPUT"], "enough").exists():
    time.sleep(0.05)
"""
POLITE = """
import os, signal, sys, time
from pathlib import Path

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
begun = Path(os.environ["LLMTRAIN_OUTPUT"], "begun")
if begun.exists():
    print("resumed", flush=True)
    sys.exit(0)
time.sleep(0.5)
begun.touch()
time.sleep(600)
"""
PEERS = """
import os, sys, time
from pathlib import Path
import torch

torch.distributed.init_process_group("gloo")
rank, marker = torch.distributed.get_rank(), Path(os.environ["LLMTRAIN_OUTPUT"], "failed")
for step in range(50):
    torch.distributed.all_reduce(torch.ones(1))
    time.sleep(0.02)
    if step == 25 and rank == 1 and not marker.exists():
        marker.touch()
        sys.exit(3)
print("all together", torch.distributed.get_world_size(), flush=True)
"""


def write(workspace: Workspace, program: str, *arguments: str, mode: str = "Elastic", **spec: Any) -> None:
    """Put a program on the data volume, and a job that runs it."""
    (workspace.folder / ".llmtrain" / "volumes" / "texts" / "program.py").write_text(program)
    training = {"steps": 60, "microbatches": 4, "microbatchSize": 2} if mode == "Elastic" else {"steps": 60}
    own = {
        "workers": {"replicas": 2},
        "entrypoint": {"script": "program.py", "mode": mode, "arguments": list(arguments)},
        "data": {"source": {"volume": "texts"}},
        "training": training,
        "checkpoint": {"volume": "results", **({"everySteps": 20} if mode == "Elastic" else {})},
        **spec,
    }
    (workspace.folder / "job.yaml").write_text(json.dumps({**JOB, "spec": own}))


def results(workspace: Workspace) -> Path:
    (folder,) = (workspace.folder / ".llmtrain" / "volumes" / "results").glob("small-*")
    return folder


def last_weights(workspace: Workspace) -> str:
    file = results(workspace) / "checkpoints" / "step-00000060" / "weights.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def log(workspace: Workspace, worker: int) -> str:
    """Return what a worker has logged, empty until it starts."""
    file = workspace.folder / ".llmtrain" / "logs" / "small" / f"worker-{worker}.jsonl"
    return file.read_text() if file.exists() else ""


def test_a_models_weights_are_the_same_whichever_rank_fails(workspace: Workspace) -> None:
    write(workspace, LINE, "0", workers={"replicas": 1})
    one_worker = workspace.run()
    assert one_worker.end() == 0, one_worker.text
    assert one_worker.lines[-1].startswith("local: small Succeeded steps=60 loss="), one_worker.text
    undisturbed = last_weights(workspace)
    assert (results(workspace) / "output" / "line.pt").is_file()
    events = EventAccumulator(str(results(workspace) / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/loss")] == list(range(1, 61))

    write(workspace, LINE, "0.05")
    disturbed = workspace.run("--fresh")
    disturbed.until_line("step ")
    os.kill(min(workspace.processes("rank"), key=started_at), signal.SIGKILL)  # spares are younger
    assert disturbed.end() == 0, disturbed.text
    assert last_weights(workspace) == undisturbed
    assert "bye from the program" in log(workspace, 0)
    assert '"event": "rankFailed"' in log(workspace, 0) + log(workspace, 1)


def test_a_torchrun_program_is_restarted_when_the_membership_changes(workspace: Workspace) -> None:
    write(workspace, COUNTING, mode="Torchrun")
    run = workspace.run()
    run.until(lambda: all(f"environment {rank} 2 0 1 0 127.0.0.1" in log(workspace, rank) for rank in (0, 1)))
    os.kill(workspace.processes("worker")[0], signal.SIGKILL)
    run.until(lambda: "environment 0 2 0 1 2 127.0.0.1" in log(workspace, 0) + log(workspace, 1))
    (results(workspace) / "output" / "enough").touch()
    assert run.end() == 0, run.text
    assert workspace.processes() == []


def test_a_stopped_model_resumes_from_its_last_step(workspace: Workspace) -> None:
    write(workspace, LINE, "0.05")
    stopped = workspace.run()
    stopped.until_line("step ")
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.end() == 130, stopped.text
    resumed = workspace.run()
    assert resumed.end() == 0, resumed.text
    assert '"event": "restored"' in log(workspace, 0)


def test_a_program_that_stops_well_when_asked_has_not_finished(workspace: Workspace) -> None:
    write(workspace, POLITE, mode="Torchrun")
    stopped = workspace.run()
    stopped.until(lambda: list(workspace.folder.glob(".llmtrain/volumes/results/small-*/output/begun")))
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.end() == 130, stopped.text
    resumed = workspace.run()
    assert resumed.end() == 0, resumed.text
    assert "resumed" in log(workspace, 0)


def test_only_the_program_that_failed_is_blamed_and_not_its_peers(workspace: Workspace) -> None:
    write(workspace, PEERS, mode="Torchrun", recovery={"maxFailures": 1})
    run = workspace.run()
    assert run.end() == 0, run.text
    failures = [line for line in run.lines if "restarting it" in line]
    assert len(failures) == 1, run.text
    assert "program.py ended with exit code 3" in failures[0]
    assert "all together 2" in log(workspace, 0)
    assert "all together 2" in log(workspace, 1)


@pytest.mark.parametrize("mode", ["Elastic", "Torchrun"])
def test_an_exit_code_and_the_last_words_arrive(workspace: Workspace, mode: str) -> None:
    write(workspace, "import sys\nprint('so far')\nsys.exit(3)\n", mode=mode, recovery={"maxFailures": 0})
    run = workspace.run()
    assert run.end() == 1, run.text
    assert "program.py ended with exit code 3" in run.lines[-1], run.text
    assert "so far" in log(workspace, 0) + log(workspace, 1)


FAULTS = [
    # program, mode, words of the sentence
    pytest.param("print('no torch')", "Elastic", "without calling llmtrain.train", id="it never trains"),
    pytest.param("def main(:\n", "Torchrun", "is not Python", id="it is not Python"),
]


@pytest.mark.parametrize(("program", "mode", "words"), FAULTS)
def test_what_can_never_work_is_bad_input(workspace: Workspace, program: str, mode: str, words: str) -> None:
    write(workspace, program, mode=mode)
    run = workspace.run()
    assert run.end() == 2, run.text
    assert words in run.lines[-1], run.text


def test_a_program_that_is_not_there_is_named(workspace: Workspace) -> None:
    write(workspace, "", mode="Torchrun", entrypoint={"script": "elsewhere.py", "mode": "Torchrun"})
    run = workspace.run()
    assert run.end() == 2, run.text
    assert "spec.entrypoint.script: 'elsewhere.py' is not a file on volume 'texts'" in run.lines[-1], run.text
